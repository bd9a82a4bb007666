/** Where a cursor rests, keys are likely to follow: what their completions begin with is read before. */
import * as vscode from 'vscode';
import type { ModelStatus } from '../engine/engine.ts';
import type { CompletionProvider } from './provider.ts';

/** Whoever leafs through files or moves through lines is faster. */
const REST_MS = 300;

export class CursorRest implements vscode.Disposable {
  readonly #provider: Pick<CompletionProvider, 'prefill'>;
  readonly #restMs: number;
  readonly #listeners: readonly { dispose(): unknown }[];
  #rest: NodeJS.Timeout | undefined;
  #reading = new AbortController();

  constructor(
    provider: Pick<CompletionProvider, 'prefill'>,
    model: Pick<ModelStatus, 'onDidChangeState'>,
    restMs = REST_MS,
  ) {
    this.#provider = provider;
    this.#restMs = restMs;
    this.#listeners = [
      vscode.window.onDidChangeActiveTextEditor(() => this.#moved()),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === vscode.window.activeTextEditor) this.#moved();
      }),
      model.onDidChangeState(({ kind }) => {
        if (kind === 'ready') this.#moved();
      }),
    ];
  }

  dispose(): void {
    this.#stop();
    for (const listener of this.#listeners) listener.dispose();
  }

  #moved(): void {
    this.#stop();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    this.#rest = setTimeout(() => {
      const editor = vscode.window.activeTextEditor;
      // Whoever has selected something reads or copies it.
      if (editor?.selection.isEmpty) void this.#provider.prefill(editor.document, editor.selection.active, signal);
    }, this.#restMs);
  }

  #stop(): void {
    clearTimeout(this.#rest);
    this.#reading.abort();
  }
}
