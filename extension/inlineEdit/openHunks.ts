/** All documents with undecided hunks: displays the hunks, and handles saving, closing and reopening. */
import * as vscode from 'vscode';
import * as z from 'zod';
import { nameOf } from '../reading/vscode/textOf.ts';
import { inform, warn } from '../common/notice.ts';
import { hunkAt } from './hunks.ts';
import { HunkMarks, hunkLenses } from './marks.ts';
import { DocumentHunks } from './documentHunks.ts';

const STORED_KEY = 'airgap.inlineEdit.hunks';
const storedHunks = z.array(
  z.object({
    uri: z.string(),
    digest: z.string(),
    hunks: z.array(z.object({ id: z.int(), start: z.int().min(0), old: z.int().min(0), fresh: z.int().min(0) })),
  }),
);

export type Verdict = 'accept' | 'reject';

export class OpenHunks implements vscode.Disposable, vscode.CodeLensProvider {
  /** Documents by URI. A document whose hunks are all decided is kept, as undo may restore them. */
  readonly #documents = new Map<string, DocumentHunks>();
  readonly #marks = new HunkMarks();
  readonly #lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#lensesChanged.event;
  readonly #subscriptions: vscode.Disposable[];

  /**
   * `memory` belongs to the workspace: after a reload, VS Code restores unsaved text, so its hunks must be restored,
   * too.
   */
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;

    this.#subscriptions = [
      this.#marks,
      this.#lensesChanged,
      vscode.languages.registerCodeLensProvider('*', this),
      vscode.workspace.onDidChangeTextDocument((event) => this.#changed(event)),
      vscode.workspace.onDidCloseTextDocument((document) => this.#closed(document)),
      vscode.workspace.onDidOpenTextDocument((document) => this.#reopened(document)),
      vscode.workspace.onWillSaveTextDocument((event) => this.#willSave(event)),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#mark()),
    ];
    for (const document of vscode.workspace.textDocuments) this.#reopened(document);
  }

  /** Shows the new lines after the old ones. Returns false if the document cannot be changed. */
  async open(
    document: vscode.TextDocument,
    first: number,
    old: readonly string[],
    fresh: readonly string[],
  ): Promise<boolean> {
    const key = document.uri.toString();
    const tracked = this.#documents.get(key) ?? new DocumentHunks(document);
    this.#documents.set(key, tracked);
    const done = await tracked.propose(first, old, fresh);
    this.#show();
    return done;
  }

  has(document: vscode.TextDocument): boolean {
    return (this.#documents.get(document.uri.toString())?.hunks.length ?? 0) > 0;
  }

  /**
   * Decides on the hunk whose button was clicked, or the one at the cursor; with `all`, on all of the active document.
   */
  async decide(verdict: Verdict, which: { uri?: unknown; id?: unknown; all?: boolean }): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const uri = typeof which.uri === 'string' ? which.uri : editor?.document.uri.toString();
    const tracked = this.#documents.get(uri ?? '');
    if (!tracked) return;
    const { hunks } = tracked;
    const atCursor = editor ? hunkAt(hunks, editor.selection.active.line) : undefined;
    const chosen = hunks.find(({ id }) => id === which.id) ?? (which.id === undefined ? atCursor : undefined);
    const ids = which.all ? hunks.map(({ id }) => id) : chosen ? [chosen.id] : [];
    if (ids.length > 0 && !(await tracked.decide(ids, verdict))) {
      warn(vscode.l10n.t('{0} could not be changed.', nameOf(tracked.document.uri)));
    }
    this.#show();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    return hunkLenses(document, this.#documents.get(document.uri.toString())?.hunks ?? []);
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const tracked = this.#documents.get(document.uri.toString());
    if (!tracked) return;
    const had = tracked.hunks.length > 0;
    const lost = tracked.follow(contentChanges);
    // Without undecided hunks before or after the change, a keystroke costs no more than this check.
    if (had || tracked.hunks.length > 0) this.#show();
    if (!lost) return;
    inform(vscode.l10n.t('The proposed changes in {0} were overwritten. Undo to restore them.', nameOf(document.uri)));
  }

  /** Undecided new lines are removed before saving, so that a file never contains both the old and the new lines. */
  #willSave(event: vscode.TextDocumentWillSaveEvent): void {
    const tracked = this.#documents.get(event.document.uri.toString());
    if (!tracked || tracked.hunks.length === 0) return;
    event.waitUntil(Promise.resolve(tracked.rejection()));
    inform(vscode.l10n.t('The file was saved without the changes that you have not accepted. Undo to restore them.'));
  }

  #closed(document: vscode.TextDocument): void {
    // Changing its language also closes a document, which is then reopened with the same text.
    if (vscode.workspace.textDocuments.includes(document)) return;
    if (this.#documents.delete(document.uri.toString())) this.#show();
  }

  #reopened(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    const stored = this.#stored().find(({ uri }) => uri === key);
    if (!stored || this.#documents.has(key)) return;
    const tracked = new DocumentHunks(document);
    if (!tracked.restore(stored)) return;
    this.#documents.set(key, tracked);
    this.#show();
  }

  #stored(): z.output<typeof storedHunks> {
    return storedHunks.safeParse(this.#memory.get(STORED_KEY)).data ?? [];
  }

  #open(): DocumentHunks[] {
    return [...this.#documents.values()].filter(({ hunks }) => hunks.length > 0);
  }

  #show(): void {
    const open = this.#open();
    const context = (key: string, value: unknown) => void vscode.commands.executeCommand('setContext', key, value);
    context('airgap.hunks', open.length > 0);
    // Menus identify a document by its path, which has two forms on Windows.
    context(
      'airgap.hunkPaths',
      open.flatMap(({ document: { uri } }) => [uri.path, uri.fsPath]),
    );
    void this.#memory.update(
      STORED_KEY,
      open.map((tracked) => tracked.stored()),
    );
    this.#lensesChanged.fire();
    this.#mark();
  }

  #mark(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const tracked = this.#documents.get(editor.document.uri.toString());
      if (tracked) this.#marks.show(editor, tracked.hunks);
    }
  }
}
