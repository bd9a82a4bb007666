/** Editor content that the chat attaches automatically: the selection, else the file. */
import * as vscode from 'vscode';
import type { Settings } from '../../settings.ts';
import { selectionOf } from './defaults.ts';
import { PICTURE_TEXT_SCHEME } from '../../ocr/pictureTexts.ts';
import { isEditor } from '../../reading/vscode/eligibility.ts';
import { isRefused } from '../../reading/vscode/exclusions.ts';
import type { Attachment } from './attachment.ts';

/** A change arrives with every key; tokens are counted again when the user pauses. */
const TEXT_PAUSE_MS = 1500;

export class EditorContext implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  /** The last active text editor. While a chat tab is active, questions are about the editor before it. */
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
        if (isEditor(document.uri) || document.uri.scheme === PICTURE_TEXT_SCHEME) this.#changed();
      }),
    ];
  }

  /** Undefined if no editor is open or its document must not be read. */
  get attachment(): Attachment | undefined {
    const editor = this.#editor;
    if (!editor || !isEditor(editor.document.uri)) return undefined;
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
