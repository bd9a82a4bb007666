/**
 * Search in the open project, for @project. The index lives in a thread, which starts with the first question or some
 * time after the window, and only in a trusted workspace.
 */
import * as vscode from 'vscode';
import type { Hit, ProjectSearch } from '../projectSearch.ts';
import { abortable } from '../../common/abortable.ts';
import { errorMessage } from '../../common/errorMessage.ts';
import { warn } from '../../common/notice.ts';
import { everyFileSystem, pathOf, uriAt } from '../../files/vscode/workspaceFiles.ts';
import { hiddenPatterns } from '../../reading/vscode/exclusions.ts';
import type { Settings } from '../../settings.ts';
import { distinctNames } from '../folderNames.ts';
import { IndexThread } from '../indexThread.ts';
import type { OpenParams, Progress, SkippedFile } from '../protocol.ts';
import { ProjectChanges, RecentFiles } from './projectChanges.ts';

export interface RetrievalHost {
  /** The folder with indexer.cjs and the grammars. */
  readonly programFolder: string;
  /** The workspace's storage; undefined if no folder is open. */
  readonly storageUri: vscode.Uri | undefined;
  settings(): Settings;
  readonly log: vscode.LogOutputChannel;
}

interface Running {
  readonly thread: IndexThread;
  readonly opened: Promise<unknown>;
  readonly changes: vscode.Disposable;
}

/** A window in which somebody only looks at a file must not index a project. */
const START_MS = 20_000;
const MOST_CRASHES = 3;

export class Retrieval implements ProjectSearch, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  readonly #recent = new RecentFiles();
  #start: NodeJS.Timeout | undefined;
  #running: Running | undefined;
  #progress: Progress = { done: 0, total: 0, ready: false };
  #crashes = 0;

  readonly #host: RetrievalHost;

  constructor(host: RetrievalHost) {
    this.#host = host;

    this.#subscriptions = [
      this.#changed,
      this.#recent,
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#startSoon()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.#restart()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (SETTINGS.some((setting) => event.affectsConfiguration(setting))) this.#restart();
      }),
    ];
    this.#startSoon();
  }

  /** Fires when `status` changes. */
  readonly onDidChangeStatus = this.#changed.event;
  /** "Indexing 1,200 of 50,000 files"; empty if a search need not wait. */
  get status(): string {
    const { done, total, ready } = this.#progress;
    if (!this.#running || ready || total === 0) return '';
    return vscode.l10n.t('Indexing: {0} of {1} files', done.toLocaleString(), total.toLocaleString());
  }

  async search(query: string, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Hit[]> {
    signal.throwIfAborted();
    const running = this.#ensureStarted();
    try {
      await abortable(running.opened, signal);
      const recent = this.#recent.paths;
      const found = await running.thread.call('search', { query, limit, recent }, signal);
      return found.map(({ file, ...hit }) => ({ ...hit, uri: uriAt(file).toString() }));
    } catch (error) {
      if (signal.aborted || this.#running === running) throw error;
      throw new Error(vscode.l10n.t('The project index stopped during the search. Try again.'), { cause: error });
    }
  }

  /** Drops the index and indexes the project again, for the command. */
  async rebuild(): Promise<void> {
    const title = vscode.l10n.t('Rebuilding the project index');
    try {
      const { thread, opened } = this.#ensureStarted();
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, async () => {
        await opened;
        await thread.call('rebuild', undefined);
      });
    } catch (error) {
      warn(errorMessage(error));
    }
  }

  dispose(): void {
    this.#stop();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** A sentence that says why nothing can be searched, or nothing. */
  #unavailable(): string {
    if (!vscode.workspace.isTrusted) return vscode.l10n.t('The project can only be searched in a trusted workspace.');
    if (!this.#host.settings()['index.enable']) {
      return vscode.l10n.t('Project search is turned off by the setting {0}.', 'airgap.index.enable');
    }
    if (this.#folders().length === 0 || !this.#host.storageUri) {
      return vscode.l10n.t('There is no folder to search.');
    }
    if (this.#crashes >= MOST_CRASHES) {
      return vscode.l10n.t('The project index has failed several times. For details, run "Airgap: Show Log".');
    }
    return '';
  }

  #folders(): readonly vscode.WorkspaceFolder[] {
    return vscode.workspace.workspaceFolders ?? [];
  }

  #ensureStarted(): Running {
    const reason = this.#unavailable();
    if (reason) throw new Error(reason);
    return (this.#running ??= this.#run());
  }

  #run(): Running {
    clearTimeout(this.#start);
    const thread = new IndexThread(this.#host.programFolder, {
      onProgress: (progress) => {
        this.#progress = progress;
        this.#changed.fire();
      },
      onLog: (message) => this.#host.log.info(message),
      files: everyFileSystem,
      onCrash: (reason) => this.#crashed(thread, reason),
    });
    const opened = thread.call('open', this.#openParams()).then(({ files, chunks, read, skipped }) => {
      this.#host.log.info(`Index: ${files} files in ${chunks} pieces, ${read} of them read.`);
      if (skipped.length > 0) this.#host.log.info(`Not indexed: ${describeSkipped(skipped)}`);
    });
    // A search reports the failure, and a crash is logged.
    opened.catch(() => {});
    const changes = new ProjectChanges((places) => void thread.call('changed', places).catch(() => {}));
    return { thread, opened, changes };
  }

  #openParams(): OpenParams {
    const folders = this.#folders().map(({ uri, name }) => ({ path: pathOf(uri), name }));
    const names = folders.length > 1 ? distinctNames(folders) : [''];
    return {
      storageFolder: this.#host.storageUri!.fsPath,
      folders: folders.map(({ path }, index) => ({ path, name: names[index]! })),
      exclude: [...new Set([...hiddenPatterns(), ...this.#host.settings()['index.exclude']])],
      include: this.#host.settings()['index.include'],
      encoding: vscode.workspace.getConfiguration('files').get('encoding', 'utf8'),
    };
  }

  #startSoon(): void {
    clearTimeout(this.#start);
    this.#start = setTimeout(() => {
      // What is on another computer is read for a question only, because it may go over a network.
      const isLocal = this.#folders().every(({ uri }) => uri.scheme === 'file');
      if (isLocal && !this.#unavailable()) this.#ensureStarted();
    }, START_MS);
  }

  /** The folders or rules have changed. */
  #restart(): void {
    this.#crashes = 0;
    this.#stop();
    this.#startSoon();
  }

  #stop(): void {
    clearTimeout(this.#start);
    const running = this.#running;
    this.#running = undefined;
    this.#progress = { done: 0, total: 0, ready: false };
    running?.changes.dispose();
    void running?.thread.dispose();
  }

  #crashed(thread: IndexThread, reason: string): void {
    this.#host.log.error(`The index of the project failed: ${reason}`);
    if (this.#running?.thread !== thread) return;
    this.#stop();
    this.#crashes++;
    // The user is told once; the next question starts the index again.
    if (this.#crashes === 1) {
      warn(vscode.l10n.t('The project index has failed. It will restart with the next search.'));
    }
  }
}

const SETTINGS = ['airgap.index', 'files.exclude', 'files.encoding', 'search.exclude'];

const MOST_NAMED = 100;

/** "3 files or folders: a.bin (noText), dist (excluded), …". */
function describeSkipped(skipped: readonly SkippedFile[]): string {
  const named = skipped.slice(0, MOST_NAMED).map(({ path, why }) => `${path} (${why})`);
  if (named.length < skipped.length) named.push('…');
  return `${skipped.length} files or folders: ${named.join(', ')}`;
}
