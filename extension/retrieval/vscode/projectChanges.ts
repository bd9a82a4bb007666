/** Follows the project's files while it is open: changes, reported in batches, and files that were opened recently. */
import * as vscode from 'vscode';
import { pathOf } from '../../files/vscode/workspaceFiles.ts';

/** Changes come in bursts, as when a branch is checked out: a batch ends after this much quiet, */
const QUIET_MS = 400;
/** or after this time in any case. */
const LATEST_MS = 4000;

export class ProjectChanges implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  readonly #places = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #first = 0;

  readonly #tell: (places: string[]) => void;

  /** `tell` gets absolute paths of files and folders. */
  constructor(tell: (places: string[]) => void) {
    this.#tell = tell;
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    const add = (uri: vscode.Uri): void => this.#add(uri);
    this.#subscriptions = [
      watcher,
      watcher.onDidCreate(add),
      watcher.onDidChange(add),
      watcher.onDidDelete(add),
      // These come sooner than the watcher, and also from folders that it is told to ignore.
      vscode.workspace.onDidSaveTextDocument(({ uri }) => add(uri)),
      vscode.workspace.onDidDeleteFiles(({ files }) => files.forEach(add)),
      vscode.workspace.onDidRenameFiles(({ files }) =>
        files.forEach(({ oldUri, newUri }) => {
          add(oldUri);
          add(newUri);
        }),
      ),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #add(uri: vscode.Uri): void {
    if (/\/(node_modules|\.git)\/(?!info\/exclude$)/.test(uri.path)) return;
    if (this.#places.size === 0) this.#first = Date.now();
    this.#places.add(pathOf(uri));
    clearTimeout(this.#timer);
    const wait = Math.min(QUIET_MS, Math.max(0, this.#first + LATEST_MS - Date.now()));
    this.#timer = setTimeout(() => {
      const places = [...this.#places];
      this.#places.clear();
      this.#tell(places);
    }, wait);
  }
}

const MOST_RECENT = 12;

/** Files that were opened or saved recently, latest first. */
export class RecentFiles implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  #paths: string[] = [];

  constructor() {
    this.#subscriptions = [
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.#add(editor.document)),
      vscode.workspace.onDidSaveTextDocument((document) => this.#add(document)),
    ];
    if (vscode.window.activeTextEditor) this.#add(vscode.window.activeTextEditor.document);
  }

  get paths(): string[] {
    return this.#paths;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #add({ uri }: vscode.TextDocument): void {
    if (!vscode.workspace.getWorkspaceFolder(uri)) return;
    const path = pathOf(uri);
    this.#paths = [path, ...this.#paths.filter((each) => each !== path)].slice(0, MOST_RECENT);
  }
}
