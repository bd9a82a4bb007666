/** What completions know beside their document: earlier cells of its notebook, and what other files declare. */
import * as vscode from 'vscode';
import { textOf } from '../reading/vscode/textOf.ts';
import { type Settings, showsOtherFiles } from '../settings.ts';
import { importsOf, type OtherFile, signaturesFor } from './imports.ts';
import { declaredNames, signatureOf } from './signatures.ts';

/** Imports stand in the first lines of a file. */
const LINES_WITH_IMPORTS = 200;
/** Of the files that were edited last. */
const MOST_RECENT = 2;

interface Known {
  /** Of which state of the document and its neighbours the files are. */
  readonly key: string;
  readonly files: readonly OtherFile[];
  /** Resolves when the files are those of this state. */
  readonly search: Promise<void>;
}

export class OtherFiles implements vscode.Disposable {
  readonly #settings: () => Settings;
  readonly #known = new Map<string, Known>();
  /** The last edited first. */
  #edited: vscode.TextDocument[] = [];
  #saves = 0;
  readonly #abort = new AbortController();
  readonly #listeners: vscode.Disposable[];

  constructor(settings: () => Settings) {
    this.#settings = settings;
    this.#listeners = [
      vscode.workspace.onDidSaveTextDocument(() => this.#saves++),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length === 0 || this.#edited[0] === document) return;
        this.#edited = [document, ...this.#edited.filter((other) => other !== document)].slice(0, MOST_RECENT + 1);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#known.delete(document.uri.toString());
        this.#edited = this.#edited.filter((other) => other !== document);
      }),
    ];
  }

  /**
   * Signatures from other files, as far as they are known. Looks for them again, for the next call, where the imports of
   * the document have changed or a file was saved: a change costs a whole prefill, so the keys of a line cause none.
   */
  of(document: vscode.TextDocument): readonly OtherFile[] {
    const folder = vscode.workspace.getWorkspaceFolder(document.uri);
    if (!folder || !showsOtherFiles(this.#settings())) return [];
    const id = document.uri.toString();
    const head = document.getText(new vscode.Range(0, 0, LINES_WITH_IMPORTS, 0));
    const imports = importsOf(head, document.uri.path, folder.uri.path, document.languageId);
    const key = JSON.stringify([this.#saves, imports]);
    const known = this.#known.get(id);
    if (known?.key !== key) {
      const search = this.#find(document, head, folder.uri).then((files) => {
        this.#known.set(id, { key, files, search });
      });
      this.#known.set(id, { key, files: known?.files ?? [], search });
    }
    return known?.files ?? [];
  }

  /** What `of` gives once nothing is looked for any more. */
  async found(document: vscode.TextDocument): Promise<readonly OtherFile[]> {
    this.of(document);
    await this.#known.get(document.uri.toString())?.search;
    return this.of(document);
  }

  dispose(): void {
    this.#abort.abort();
    for (const listener of this.#listeners) listener.dispose();
  }

  async #find(document: vscode.TextDocument, head: string, folder: vscode.Uri): Promise<OtherFile[]> {
    const { uri, languageId } = document;
    const excluded = this.#settings()['files.exclude'];
    // Files that must not or cannot be read are as good as none.
    const read = (path: string): Promise<string | undefined> =>
      textOf(uri.with({ path }), excluded, this.#abort.signal).then(
        ({ text }) => text,
        () => undefined,
      );
    const imported = await signaturesFor(head, uri.path, folder.path, languageId, read);
    const recent = this.#edited.filter((other) => other !== document && other.languageId === languageId);
    const edited = await Promise.all(
      recent.slice(0, MOST_RECENT).map(async (other): Promise<OtherFile> => {
        const text = (await read(other.uri.path)) ?? '';
        const lines = declaredNames(text).map((name) => signatureOf(name, text));
        return { path: other.uri.path.split('/').at(-1)!, text: lines.join('\n') };
      }),
    );
    const others = edited.filter(({ path, text }) => text !== '' && !imported.some((file) => file.path === path));
    return [...imported, ...others];
  }
}

/** The code of the cells in front of a notebook's cell, in the same language; empty for other documents. */
export function cellsBefore(document: vscode.TextDocument): string {
  if (document.uri.scheme !== 'vscode-notebook-cell') return '';
  for (const notebook of vscode.workspace.notebookDocuments) {
    const cells = notebook.getCells();
    const at = cells.findIndex((cell) => cell.document.uri.toString() === document.uri.toString());
    if (at < 0) continue;
    return cells
      .slice(0, at)
      .filter((cell) => cell.kind === vscode.NotebookCellKind.Code && cell.document.languageId === document.languageId)
      .map((cell) => `${cell.document.getText()}\n\n`)
      .join('');
  }
  return '';
}
