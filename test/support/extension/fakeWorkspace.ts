/** A workspace in memory behind the vscode stub: files, open documents, problems, git, clipboard, terminal. */
import type * as vscode from 'vscode';
import {
  fake,
  commands,
  env,
  extensions,
  FileType,
  languages,
  Position,
  Range,
  TabInputText,
  Uri,
  window,
  workspace,
} from './vscodeStub.ts';

export const ROOT = 'file:///project';

export interface FakeRepository {
  rootUri: Uri;
  inputBox: { value: string };
  ui: { selected: boolean };
  state: { workingTreeChanges: { uri: Uri; status: number }[] };
  staged: string;
  unstaged: string;
  diff(cached: boolean): Promise<string>;
}

export class FakeWorkspace {
  readonly activeTabGroup: { activeTab?: { input: unknown } } = {};
  /** Path below `root`, or a whole URI -> content. */
  readonly files = new Map<string, Uint8Array>();
  readonly changed = new Map<string, number>();
  readonly documents: vscode.TextDocument[] = [];
  readonly diagnostics = new Map<string, vscode.Diagnostic[]>();
  /** Command -> what it does. */
  readonly commands = new Map<string, (...args: unknown[]) => unknown>();
  repositories: FakeRepository[] | undefined;
  clipboard = '';
  clipboardWrites: string[] = [];
  /** Text that the terminal copies to the clipboard; undefined if nothing is selected. */
  terminalSelection: string | undefined;
  readonly told: string[] = [];
  /** Answers to the next dialogs. */
  readonly answers: string[] = [];
  reads = 0;

  constructor(
    files: Record<string, string | Uint8Array> = {},
    readonly root = ROOT,
  ) {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
    this.#install();
  }

  uri(path: string): Uri {
    return /^[\w-]+:/.test(path) ? Uri.parse(path) : Uri.joinPath(Uri.parse(this.root), path);
  }

  write(path: string, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    this.files.set(this.uri(path).toString(), bytes);
  }

  /** A document as an editor holds it, which the disk need not. */
  open(path: string, text: string, options: { active?: boolean; languageId?: string } = {}): vscode.TextDocument {
    const document = fakeDocument(this.uri(path), text, options.languageId ?? 'typescript');
    this.documents.push(document);
    if (options.active) this.select(document, 0, 0);
    return document;
  }

  /** Makes it the active editor's; lines and characters from 0. */
  select(document: vscode.TextDocument, line: number, character: number, end = { line, character }): void {
    const start = new Position(line, character);
    const stop = new Position(end.line, end.character);
    window.activeTextEditor = { document, selection: { start, end: stop, active: stop } } as never;
  }

  problem(path: string, line: number, message: string, severity = 0): void {
    const key = this.uri(path).toString();
    const range = new Range(new Position(line, 0), new Position(line, 5));
    const problem = { range, message, severity, source: 'ts', code: 2322 } as unknown as vscode.Diagnostic;
    this.diagnostics.set(key, [...(this.diagnostics.get(key) ?? []), problem]);
  }

  repository(options: { staged?: string; unstaged?: string; root?: string } = {}): FakeRepository {
    const made: FakeRepository = {
      rootUri: Uri.parse(options.root ?? this.root),
      inputBox: { value: '' },
      ui: { selected: false },
      state: { workingTreeChanges: [] },
      staged: options.staged ?? '',
      unstaged: options.unstaged ?? '',
      diff: (cached) => Promise.resolve(cached ? made.staged : made.unstaged),
    };
    this.repositories = [...(this.repositories ?? []), made];
    return made;
  }

  #install(): void {
    window.activeTextEditor = undefined;
    fake.documents = this.documents;
    const { stat, readFile, readDirectory } = this.#fileSystem();
    Object.assign(workspace.fs, { stat, readFile, readDirectory });
    Object.assign(workspace, {
      workspaceFolders: [{ uri: Uri.parse(this.root), name: 'project', index: 0 }],
      asRelativePath: ({ path, scheme }: Uri) => this.#relative(path, scheme),
      getWorkspaceFolder: (uri: Uri) =>
        uri.toString().startsWith(this.root) ? { uri: Uri.parse(this.root) } : undefined,
      decode: (bytes: Uint8Array) =>
        bytes.includes(0)
          ? Promise.reject(new Error('binary'))
          : Promise.resolve(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)),
      // VS Code waits for an extension that can search another file system.
      findFiles: () =>
        this.root.startsWith('file:')
          ? Promise.resolve([...this.files.keys()].map((key) => Uri.parse(key)))
          : new Promise(() => {}),
      openTextDocument: (uri: Uri) =>
        Promise.resolve(this.documents.find((document) => document.uri.toString() === uri.toString())),
    });
    languages.getDiagnostics = ((uri?: Uri) =>
      uri
        ? (this.diagnostics.get(uri.toString()) ?? [])
        : [...this.diagnostics].map(([key, found]) => [Uri.parse(key), found])) as never;
    this.#installWindow();
  }

  #installWindow(): void {
    const answer = (message: string): Promise<string | undefined> => {
      this.told.push(message);
      return Promise.resolve(this.answers.shift());
    };
    Object.assign(window, {
      showWarningMessage: answer,
      showInformationMessage: answer,
      tabGroups: {
        get all() {
          return [{ tabs: this.documents.map(({ uri }: vscode.TextDocument) => ({ input: new TabInputText(uri) })) }];
        },
        documents: this.documents,
        activeTabGroup: this.activeTabGroup,
      },
      withProgress: (_: unknown, task: (progress: unknown, token: unknown) => unknown) =>
        task({ report: ({ message }: { message: string }) => this.told.push(message) }, this.token),
    });
    extensions.getExtension = (() =>
      this.repositories && {
        activate: () =>
          Promise.resolve({ getAPI: () => ({ state: 'initialized', repositories: this.repositories ?? [] }) }),
      }) as never;
    env.clipboard = {
      readText: () => Promise.resolve(this.clipboard),
      writeText: (text) => {
        this.clipboardWrites.push(text);
        this.clipboard = text;
        return Promise.resolve();
      },
    };
    commands.executeCommand = ((id: string, ...args: unknown[]) => {
      if (id === 'workbench.action.terminal.copySelection') this.clipboard = this.terminalSelection ?? this.clipboard;
      return Promise.resolve(this.commands.get(id)?.(...args));
    }) as never;
  }

  /** Cancellation token of the progress notification. */
  readonly token = {
    isCancellationRequested: false,
    listeners: [] as (() => void)[],
    onCancellationRequested(listener: () => void) {
      this.listeners.push(listener);
      return { dispose() {} };
    },
    cancel() {
      for (const listener of this.listeners) listener();
    },
  };

  #fileSystem() {
    const missing = (uri: Uri): Promise<never> => Promise.reject(new Error(`ENOENT: ${uri.fsPath} (FileSystemError)`));
    const below = (uri: Uri): string => `${uri.toString().replace(/\/$/, '')}/`;
    return {
      stat: (uri: Uri) => {
        const key = uri.toString();
        const size = this.files.get(key)?.byteLength;
        if (size !== undefined)
          return Promise.resolve({ type: FileType.File, size, mtime: this.changed.get(key) ?? 0 });
        const isFolder = [...this.files.keys()].some((file) => file.startsWith(below(uri)));
        return isFolder ? Promise.resolve({ type: FileType.Directory, size: 0, mtime: 0 }) : missing(uri);
      },
      readFile: (uri: Uri) => {
        this.reads++;
        const bytes = this.files.get(uri.toString());
        return bytes ? Promise.resolve(bytes) : missing(uri);
      },
      readDirectory: (uri: Uri) => {
        const inside = [...this.files.keys()].filter((file) => file.startsWith(below(uri)));
        const names = inside.map((file) => file.slice(below(uri).length).split('/'));
        const entries = names.map(([name = '', ...rest]): [string, number] => [
          decodeURIComponent(name),
          rest.length > 0 ? FileType.Directory : FileType.File,
        ]);
        return Promise.resolve([...new Map(entries)]);
      },
    };
  }

  #relative(path: string, scheme: string): string {
    const root = Uri.parse(this.root);
    return scheme === root.scheme && path.startsWith(`${root.path}/`) ? path.slice(root.path.length + 1) : path;
  }
}

export function fakeDocument(uri: Uri, text: string, languageId = 'typescript'): vscode.TextDocument {
  const lines = text.split('\n');
  const offset = ({ line, character }: Position): number =>
    line >= lines.length ? text.length : lines.slice(0, line).join('\n').length + Math.min(line, 1) + character;
  const getText = (range?: Range): string => (range ? text.slice(offset(range.start), offset(range.end)) : text);
  return { uri, languageId, lineCount: lines.length, getText } as unknown as vscode.TextDocument;
}
