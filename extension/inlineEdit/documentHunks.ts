/**
 * A document with undecided hunks. Every text that the document has had is remembered with its hunks, so that undo and
 * redo, which only restore text, also restore the hunks.
 */
import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { linesOf } from '../edits/placing/lines.ts';
import { decide, followed, type Hunk, type LineEdit, propose, type Step, textChange, withEdits } from './hunks.ts';

/** One text is added per change while hunks are shown; the oldest are dropped first. */
const MAX_TEXTS = 1000;

export class DocumentHunks {
  #hunks: readonly Hunk[] = [];
  /** Hunks by digest of the document's text. */
  readonly #known = new Map<string, readonly Hunk[]>();

  constructor(readonly document: vscode.TextDocument) {}

  get hunks(): readonly Hunk[] {
    return this.#hunks;
  }

  /** Shows `fresh` beside the document's lines from `first` on. Returns false if the document cannot be changed. */
  async propose(first: number, old: readonly string[], fresh: readonly string[]): Promise<boolean> {
    this.#remember(this.document.getText(), []);
    return this.#take(propose(first, old, fresh));
  }

  /** Accepts or rejects hunks in one undo step. Returns false if the document cannot be changed. */
  decide(ids: readonly number[], verdict: 'accept' | 'reject'): Promise<boolean> {
    return this.#take(decide(this.#hunks, ids, verdict));
  }

  /** Edits that remove everything not accepted; the resulting text has no hunks. */
  rejection(): vscode.TextEdit[] {
    const { edits } = decide(this.#hunks, this.#ids(), 'reject');
    this.#remember(this.#textAfter(edits), []);
    return this.#changes(edits).map(({ range, text }) => new vscode.TextEdit(range, text));
  }

  /** Updates the hunks after a change to the document. Returns true if a manual change has removed all of them. */
  follow(changes: readonly vscode.TextDocumentContentChangeEvent[]): boolean {
    const text = this.document.getText();
    const known = this.#known.get(digest(text));
    const had = this.#hunks.length > 0;
    const typed = changes.map(({ range: { start, end }, text }) => ({
      start,
      end,
      text: text.replaceAll('\r\n', '\n'),
    }));
    const next = known ?? followed(this.#hunks, typed);
    this.#remember(text, next);
    this.#hunks = next;
    return had && !known && next.length === 0;
  }

  /** The hunks and a digest of the text, from which `restore` continues after a restart of the extension host. */
  stored(): StoredHunks {
    return { uri: this.document.uri.toString(), digest: digest(this.document.getText()), hunks: [...this.#hunks] };
  }
  restore(stored: StoredHunks): boolean {
    if (digest(this.document.getText()) !== stored.digest) return false;
    this.#remember(this.document.getText(), stored.hunks);
    this.#hunks = stored.hunks;
    return true;
  }

  #ids(): number[] {
    return this.#hunks.map(({ id }) => id);
  }

  async #take({ edits, hunks }: Step): Promise<boolean> {
    this.#remember(this.#textAfter(edits), hunks);
    if (edits.length === 0) {
      this.#hunks = hunks;
      return true;
    }
    const edit = new vscode.WorkspaceEdit();
    for (const { range, text } of this.#changes(edits)) edit.replace(this.document.uri, range, text);
    return vscode.workspace.applyEdit(edit);
  }

  #changes(edits: readonly LineEdit[]): { range: vscode.Range; text: string }[] {
    const lines = linesOf(this.document.getText());
    return edits.map((each) => {
      const { start, end, text } = textChange(lines, each, this.#eol);
      return { range: new vscode.Range(start.line, start.character, end.line, end.character), text };
    });
  }

  #textAfter(edits: readonly LineEdit[]): string {
    return withEdits(linesOf(this.document.getText()), edits).join(this.#eol);
  }

  get #eol(): string {
    return this.document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
  }

  #remember(text: string, hunks: readonly Hunk[]): void {
    const key = digest(text);
    this.#known.delete(key);
    this.#known.set(key, hunks);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_TEXTS && oldest !== undefined) this.#known.delete(oldest);
  }
}

export interface StoredHunks {
  uri: string;
  digest: string;
  hunks: Hunk[];
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
