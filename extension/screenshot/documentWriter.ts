/** Writes growing code into a document. Each version of the code replaces the one before, in one undo step. */
import * as vscode from 'vscode';

export class DocumentWriter {
  readonly #document: vscode.TextDocument;
  readonly #onTouched: () => void;
  /** Code that is not yet in the document. */
  #waiting = '';
  #running: Promise<void> | undefined;
  /** The document as this writer left it; undefined before its first edit. */
  #version: number | undefined;

  /** `onTouched` is called once the document is closed or someone else has changed it; nothing is written from then on. */
  constructor(document: vscode.TextDocument, onTouched: () => void) {
    this.#document = document;
    this.#onTouched = onTouched;
  }

  write(code: string): void {
    this.#waiting += code;
    this.#running ??= this.#write().finally(() => (this.#running = undefined));
  }

  /** Waits until everything is in the document. */
  async finish(): Promise<void> {
    await this.#running;
  }

  async #write(): Promise<void> {
    while (this.#waiting !== '') {
      const code = this.#waiting;
      this.#waiting = '';
      const isFirst = this.#version === undefined;
      const isTouched = this.#document.isClosed || (!isFirst && this.#document.version !== this.#version);
      if (isTouched || !(await replaceIn(this.#document, isFirst, code))) {
        this.#waiting = '';
        return this.#onTouched();
      }
      this.#version = this.#document.version;
    }
  }
}

/** Replaces the whole document with the beginning of a version, or appends to it. */
async function replaceIn(document: vscode.TextDocument, isFirst: boolean, code: string): Promise<boolean> {
  const end = document.positionAt(document.getText().length);
  const range = new vscode.Range(isFirst ? new vscode.Position(0, 0) : end, end);
  const editor = vscode.window.visibleTextEditors.find((each) => each.document === document);
  if (editor) {
    // Edits between two undo stops are one step.
    return editor.edit((edit) => edit.replace(range, code), { undoStopBefore: isFirst, undoStopAfter: false });
  }
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, code);
  return vscode.workspace.applyEdit(edit);
}
