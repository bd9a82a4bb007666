/** Where a cursor rests, keys are likely to follow: the model is loaded, and reads what their completions begin with. */
import * as vscode from 'vscode';
import type { ModelStatus } from '../engine/engine.ts';
import type { CompletionProvider } from './provider.ts';

/** Whoever leafs through files or moves through lines is faster. */
const REST_MS = 300;

export interface CursorRestHost {
  readonly provider: Pick<CompletionProvider, 'warmUp' | 'prefill'>;
  readonly model: Pick<ModelStatus, 'onDidChangeState'>;
  /** Completions may be wanted now that were not before. */
  readonly onDidChangeWish: readonly vscode.Event<unknown>[];
  readonly restMs?: number;
}

export class CursorRest implements vscode.Disposable {
  readonly #host: CursorRestHost;
  readonly #listeners: readonly { dispose(): unknown }[];
  #rest: NodeJS.Timeout | undefined;
  /** Whether a person has moved the cursor. A model that was unloaded does not come back for anything else. */
  #movedByUser = false;
  #reading = new AbortController();

  constructor(host: CursorRestHost) {
    this.#host = host;
    const moved = (): void => this.#moved({ byUser: true });
    this.#listeners = [
      vscode.window.onDidChangeActiveTextEditor(moved),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
        // Programs that change the text move the cursor, too; VS Code gives no kind then.
        if (textEditor === vscode.window.activeTextEditor) this.#moved({ byUser: kind !== undefined });
      }),
      ...host.onDidChangeWish.map((onDidChange) => onDidChange(moved)),
      host.model.onDidChangeState(({ kind }) => {
        if (kind === 'ready') this.#moved({ byUser: false });
      }),
    ];
    // The file that is open when the window starts. Starting the engine need not wait until VS Code has started all else.
    const editor = vscode.window.activeTextEditor;
    if (editor) host.provider.warmUp(editor.document);
    moved();
  }

  dispose(): void {
    this.#stop();
    for (const listener of this.#listeners) listener.dispose();
  }

  #moved({ byUser }: { byUser: boolean }): void {
    this.#stop();
    this.#movedByUser ||= byUser;
    this.#reading = new AbortController();
    this.#rest = setTimeout(() => this.#rests(this.#reading.signal), this.#host.restMs ?? REST_MS);
  }

  #rests(signal: AbortSignal): void {
    const { provider } = this.#host;
    const editor = vscode.window.activeTextEditor;
    if (editor && this.#movedByUser) provider.warmUp(editor.document);
    this.#movedByUser = false;
    // Whoever has selected something reads or copies it.
    if (editor?.selection.isEmpty) void provider.prefill(editor.document, editor.selection.active, signal);
  }

  #stop(): void {
    clearTimeout(this.#rest);
    this.#reading.abort();
  }
}
