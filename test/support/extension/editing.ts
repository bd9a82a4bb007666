/** Documents that can be edited, undone and saved, and the windows around them, put into the `vscode` stub. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import {
  EventEmitter,
  Position,
  Range,
  Selection,
  TabInputTextDiff,
  type TextEdit,
  Uri,
  type WorkspaceEdit,
} from './vscodeBasics.ts';
import { commands, env, languages, window, workspace } from './vscodeStub.ts';

type Change = { start: number; end: number; text: string };

export class EditableDocument {
  version = 1;
  isClosed = false;
  languageId = 'plaintext';
  readonly #undo: Change[][] = [];
  readonly #redo: Change[][] = [];
  #text: string;

  constructor(
    readonly host: Editing,
    readonly uri: Uri,
    text: string,
    readonly eol = text.includes('\r\n') ? 2 : 1,
  ) {
    this.#text = text;
  }

  get isUntitled(): boolean {
    return this.uri.scheme === 'untitled';
  }
  get lineCount(): number {
    return this.#lines().length;
  }
  getText(range?: Range): string {
    return range ? this.#text.slice(this.offsetAt(range.start), this.offsetAt(range.end)) : this.#text;
  }
  lineAt(line: number): { text: string; range: Range } {
    const text = this.#lines()[line]!;
    return { text, range: new Range(line, 0, line, text.length) };
  }
  offsetAt({ line, character }: Position): number {
    const lines = this.#lines();
    if (line >= lines.length) return this.#text.length;
    const before = lines.slice(0, line).reduce((sum, text) => sum + text.length + this.#end.length, 0);
    return before + Math.min(character, lines[line]!.length);
  }
  positionAt(offset: number): Position {
    const before = this.#text.slice(0, offset).split(this.#end);
    return new Position(before.length - 1, before.at(-1)!.length);
  }

  /** One undo step. Ranges are of the text before. */
  edit(changes: readonly Change[]): void {
    this.#undo.push(this.#change(changes));
    this.#redo.length = 0;
  }
  type(at: number, text: string, length = 0): void {
    this.edit([{ start: at, end: at + length, text }]);
  }
  undo(): boolean {
    const step = this.#undo.pop();
    if (step) this.#redo.push(this.#change(step, 1));
    return step !== undefined;
  }
  redo(): boolean {
    const step = this.#redo.pop();
    if (step) this.#undo.push(this.#change(step, 2));
    return step !== undefined;
  }

  get #end(): string {
    return this.eol === 2 ? '\r\n' : '\n';
  }
  #lines(): string[] {
    return this.#text.split(this.#end);
  }
  /** Gives what undoes it. */
  #change(changes: readonly Change[], reason?: 1 | 2): Change[] {
    const sorted = changes.toSorted((a, b) => b.start - a.start);
    const contentChanges = sorted.map(({ start, end, text }) => ({
      range: new Range(this.positionAt(start), this.positionAt(end)),
      rangeOffset: start,
      rangeLength: end - start,
      text: text.replaceAll(/\r\n|\n/g, this.#end),
    }));
    const inverse: Change[] = [];
    for (const { rangeOffset, rangeLength, text } of contentChanges) {
      const old = this.#text.slice(rangeOffset, rangeOffset + rangeLength);
      const later = inverse.map((each) => ({
        ...each,
        start: each.start + text.length - rangeLength,
        end: each.end + text.length - rangeLength,
      }));
      inverse.splice(0, inverse.length, ...later, { start: rangeOffset, end: rangeOffset + text.length, text: old });
      this.#text = this.#text.slice(0, rangeOffset) + text + this.#text.slice(rangeOffset + rangeLength);
    }
    this.version++;
    this.host.changed.fire({ document: this, contentChanges, reason });
    return inverse;
  }
}

/** State that a test observes and controls. Restores the stub when disposed. */
export class Editing implements Disposable {
  readonly changed = new EventEmitter<unknown>();
  readonly willSave = new EventEmitter<unknown>();
  readonly documents = new Map<string, EditableDocument>();
  /** The right side of each open diff editor. */
  readonly diffs: Uri[] = [];
  /** What the user answers to warnings, one after the other; nothing where none is left. */
  readonly answers: string[] = [];
  readonly messages: string[] = [];
  readonly contexts: Record<string, unknown> = {};
  /** Positions that the user picks in the lists, none if empty; `lists` holds the lists that were shown. */
  readonly picks: number[] = [];
  readonly lists: { label: string; description?: string }[][] = [];
  /** Reports of progress notifications; `cancelled` is their Cancel button. */
  readonly progress: unknown[] = [];
  readonly cancelled = new EventEmitter<undefined>();
  trusted = true;
  readonly: boolean = false;
  clipboard = '';
  /** Texts sent to the terminal, and whether they run. */
  readonly terminal: [text: string, runs: boolean][] = [];
  readonly #saved: [object, object][] = [];
  readonly #tabsChanged = new EventEmitter<unknown>();

  constructor(readonly folder: string) {
    this.#put(commands, { executeCommand: (...args: unknown[]) => this.#command(...args) });
    this.#put(workspace, this.#workspace());
    this.#put(window, this.#window());
    this.#put(env, { clipboard: { writeText: (text: string) => Promise.resolve(void (this.clipboard = text)) } });
    this.#put(languages, {
      registerCodeLensProvider: () => ({ dispose() {} }),
      getLanguages: () => Promise.resolve(['python', 'typescript', 'plaintext']),
    });
    Object.defineProperty(workspace, 'textDocuments', {
      get: () => [...this.documents.values()],
      configurable: true,
    });
    Object.defineProperty(workspace, 'isTrusted', { get: () => this.trusted, configurable: true });
  }

  open(name: string, text?: string): EditableDocument {
    const uri = Uri.file(`${this.folder}/${name}`);
    const document = new EditableDocument(this, uri, text ?? readFileSync(uri.fsPath, 'utf8').replace(/^\ufeff/, ''));
    this.documents.set(uri.toString(), document);
    return document;
  }

  /** Saves as VS Code does: applies the listeners' edits before writing. Returns the text that is written. */
  async save(document: EditableDocument): Promise<string> {
    const waiting: Promise<TextEdit[]>[] = [];
    this.willSave.fire({ document, waitUntil: (edits: Promise<TextEdit[]>) => waiting.push(edits) });
    const edits = (await Promise.all(waiting)).flat();
    if (edits.length > 0) document.edit(edits.map(({ range, newText }) => changeIn(document, range, newText)));
    return document.getText();
  }

  /** The editor that the user is in. */
  show(document: EditableDocument, anchor = 0, active = anchor): unknown {
    const editor = {
      document,
      selection: new Selection(document.positionAt(anchor), document.positionAt(active)),
      options: { insertSpaces: true, indentSize: 2, tabSize: 2 },
      viewColumn: 1,
      setDecorations: () => undefined,
      revealRange: () => undefined,
      edit: (run: (edit: { replace(range: Range, text: string): void }) => void) => {
        const changes: Change[] = [];
        run({ replace: (range, text) => changes.push(changeIn(document, range, text)) });
        document.edit(changes);
        return Promise.resolve(true);
      },
    };
    Object.assign(window, { activeTextEditor: editor, visibleTextEditors: [editor] });
    return editor;
  }

  [Symbol.dispose](): void {
    for (const [target, before] of this.#saved) {
      for (const key of Object.keys(target)) delete (target as Record<string, unknown>)[key];
      Object.defineProperties(target, before as PropertyDescriptorMap);
    }
  }

  #put(target: object, parts: object): void {
    this.#saved.push([target, Object.getOwnPropertyDescriptors(target)]);
    Object.assign(target, parts);
  }

  #workspace(): object {
    const inside = (uri: Uri): boolean => uri.path.startsWith(`${this.folder}/`);
    const stat = (uri: Uri): Promise<object> => {
      if (!this.documents.has(uri.toString())) statSync(uri.fsPath);
      return Promise.resolve({ permissions: this.readonly ? 1 : undefined });
    };
    return {
      workspaceFolders: [{ uri: Uri.file(this.folder), name: 'project', index: 0 }],
      getWorkspaceFolder: (uri: Uri) => (inside(uri) ? { uri: Uri.file(this.folder) } : undefined),
      asRelativePath: (uri: Uri) => (inside(uri) ? uri.path.slice(this.folder.length + 1) : uri.path),
      findFiles: (pattern: string) => {
        const saved = [...this.documents.values()].filter(({ isUntitled }) => !isUntitled);
        const found = saved.filter(({ uri }) => uri.path.endsWith(pattern.slice(2)));
        return Promise.resolve(found.map(({ uri }) => uri));
      },
      fs: {
        isWritableFileSystem: () => true,
        stat: (uri: Uri) => Promise.resolve(uri).then(stat),
        readFile: (uri: Uri) => Promise.resolve(readFileSync(uri.fsPath)),
        readDirectory: (uri: Uri) => Promise.resolve(readdirSync(uri.fsPath).map((name) => [name, 0])),
      },
      applyEdit: (edit: WorkspaceEdit) => Promise.resolve(this.#applyEdit(edit)),
      openTextDocument: (what: Uri | { content: string }) => Promise.resolve(this.#openDocument(what)),
      onDidChangeTextDocument: this.changed.event,
      onWillSaveTextDocument: this.willSave.event,
      onDidOpenTextDocument: () => ({ dispose() {} }),
    };
  }

  #window(): object {
    const activeGroup = (): object => ({ activeTab: this.activeDiff() && { input: this.activeDiff() } });
    const terminal = { show() {}, sendText: (text: string, runs: boolean) => void this.terminal.push([text, runs]) };
    const groups = (): object[] => [
      { tabs: this.diffs.map((right) => ({ input: new TabInputTextDiff(Uri.parse(right.query), right) })) },
    ];
    return {
      visibleTextEditors: [],
      activeTerminal: terminal,
      onDidChangeVisibleTextEditors: () => ({ dispose() {} }),
      createTextEditorDecorationType: () => ({ dispose() {} }),
      withProgress: (_: unknown, run: (progress: object, token: object) => unknown) =>
        run({ report: (part: unknown) => this.progress.push(part) }, { onCancellationRequested: this.cancelled.event }),
      showTextDocument: (document: EditableDocument) => Promise.resolve(this.show(document)),
      showInformationMessage: (message: string) => Promise.resolve(void this.messages.push(message)),
      showWarningMessage: (message: string, options?: { detail?: string }) => {
        this.messages.push(options?.detail ? `${message} ${options.detail}` : message);
        return Promise.resolve(this.answers.shift());
      },
      showQuickPick: (items: { label: string; description?: string }[]) => {
        this.lists.push(items.map(({ label, description }) => ({ label, ...(description && { description }) })));
        return Promise.resolve(items[this.picks.shift() ?? -1]);
      },
      tabGroups: {
        get activeTabGroup() {
          return activeGroup();
        },
        get all() {
          return groups();
        },
        onDidChangeTabs: this.#tabsChanged.event,
        close: (tabs: { input: TabInputTextDiff }[]) => Promise.resolve(this.closeDiffs(tabs)),
      },
    };
  }

  activeDiff(): TabInputTextDiff | undefined {
    const right = this.diffs.at(-1);
    return right && new TabInputTextDiff(Uri.parse(right.query), right);
  }

  closeDiffs(tabs: { input: TabInputTextDiff }[]): void {
    for (const { input } of tabs) {
      this.diffs.splice(
        this.diffs.findIndex((each) => each.toString() === input.modified.toString()),
        1,
      );
    }
    this.#tabsChanged.fire({ closed: tabs });
  }

  #applyEdit({ edits }: WorkspaceEdit): boolean {
    if (this.readonly) return false;
    for (const uri of new Set(edits.map((each) => each.uri.toString()))) {
      const document = this.documents.get(uri)!;
      const own = edits.filter((each) => each.uri.toString() === uri);
      document.edit(own.map(({ range, text }) => changeIn(document, range, text)));
    }
    return true;
  }

  #openDocument(what: Uri | { content: string }): EditableDocument {
    const uri = what instanceof Uri ? what : new Uri('untitled', '', `Untitled-${this.documents.size}`);
    const known = this.documents.get(uri.toString());
    if (known) return known;
    const text = 'content' in what ? what.content : '';
    const document = new EditableDocument(this, uri, text);
    if ('language' in what) document.languageId = String(what.language);
    if (uri.scheme === 'file') return this.open(uri.path.slice(this.folder.length + 1));
    this.documents.set(uri.toString(), document);
    return document;
  }

  #command(...[name, ...args]: unknown[]): Promise<void> {
    if (name === 'setContext') this.contexts[args[0] as string] = args[1];
    if (name === 'vscode.diff') {
      const right = args[1] as Uri;
      if (!this.diffs.some((each) => each.toString() === right.toString())) this.diffs.push(right);
    }
    return Promise.resolve();
  }
}

function changeIn(document: EditableDocument, range: Range, text: string): Change {
  return { start: document.offsetAt(range.start), end: document.offsetAt(range.end), text };
}

/** A folder's path with links followed, as the code under test sees it. */
export const realFolder = (path: string): string => realpathSync(path);
