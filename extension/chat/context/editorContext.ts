/** What of the editors the chat offers by itself: the selection, else the file. */
import * as vscode from 'vscode';
import type { Settings } from '../../settings.ts';
import { selectionOf } from './defaults.ts';
import { isRefused } from '../../reading/vscode/exclusions.ts';
import type { Attachment } from './attachment.ts';

/** Changes come with every key; what they cost is counted when the user pauses. */
const TEXT_PAUSE_MS = 1500;
/** Views and inputs are documents too. */
const SCHEMES = new Set(['file', 'untitled', 'vscode-remote', 'vscode-vfs', 'vscode-notebook-cell']);

export class EditorContext implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  /** The last one that was active: a chat among the editors is none, and the question is about the one before. */
  #editor = vscode.window.activeTextEditor;
  #timer: NodeJS.Timeout | undefined;

  readonly #settings: () => Settings;
  readonly #events: { moved(): void; changed(): void };

  constructor(settings: () => Settings, events: { moved(): void; changed(): void }) {
    this.#settings = settings;
    this.#events = events;

    this.#subscriptions = [
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (!editor) return;
        this.#editor = editor;
        events.moved();
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === this.#editor) events.moved();
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (document !== this.#editor?.document) return;
        this.#editor = undefined;
        events.moved();
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (SCHEMES.has(document.uri.scheme)) this.#changed();
      }),
    ];
  }

  /** undefined where nothing is open, or what is open must not be read. */
  get attachment(): Attachment | undefined {
    const editor = this.#editor;
    if (!editor || !SCHEMES.has(editor.document.uri.scheme)) return undefined;
    const { document, selection } = editor;
    if (isRefused(document.uri, this.#settings()['files.exclude'])) return undefined;
    return selectionOf(document, selection) ?? { kind: 'file', uri: document.uri.toString() };
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#events.changed(), TEXT_PAUSE_MS);
  }
}
