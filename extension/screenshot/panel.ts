/** The preview beside the document: hosts its page, and validates what the page says. */
import * as vscode from 'vscode';
import * as z from 'zod';
import type { FromPreview, ToPreview } from '../../webview/preview/protocol.ts';
import { webviewHtml } from '../common/webviewPage.ts';

/** Longer words are no description of a change. */
const MAX_WORDS_CHARS = 10_000;

const message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['ready', 'stop', 'again', 'addToProject']) }),
  z.strictObject({ type: z.literal('refine'), words: z.string().trim().min(1).max(MAX_WORDS_CHARS) }),
  z.strictObject({ type: z.literal('scripts'), allowed: z.boolean() }),
]);

export interface PanelHost {
  readonly extension: vscode.Uri;
  handle(message: FromPreview): void;
  /** The user has closed the panel. */
  closed(): void;
  log(message: string): void;
}

export class PreviewPanel implements vscode.Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #host: PanelHost;
  #isClosed = false;

  /** `picture` is the file that the page shows. */
  constructor(host: PanelHost, title: string, picture: vscode.Uri) {
    this.#host = host;
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.#panel = vscode.window.createWebviewPanel('airgap.screenshot', title, place, {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(host.extension, 'dist/webview'), vscode.Uri.joinPath(picture, '..')],
    });
    this.#panel.iconPath = vscode.Uri.joinPath(host.extension, 'media', 'chat.svg');
    this.#panel.webview.onDidReceiveMessage((said: unknown) => {
      const parsed = message.safeParse(said);
      if (parsed.success) host.handle(parsed.data);
      else host.log(`The preview said something that is not understood: ${z.prettifyError(parsed.error)}`);
    });
    this.#panel.onDidDispose(() => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      host.closed();
    });
    this.load(false);
  }

  /** The address of a file for the page. */
  addressOf(file: vscode.Uri): string {
    return this.#panel.webview.asWebviewUri(file).toString();
  }

  post(message: ToPreview): void {
    if (!this.#isClosed) void this.#panel.webview.postMessage(message);
  }

  /** Loads the page anew. Frames in it are under its policy too, so that only scripts that are allowed here can run. */
  load(inlineScripts: boolean): void {
    this.#panel.webview.html = previewHtml(this.#panel.webview, this.#host.extension, inlineScripts);
  }

  dispose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#panel.dispose();
  }
}

/** Exported for the tests of the page. */
export function previewHtml(webview: vscode.Webview, extension: vscode.Uri, inlineScripts: boolean): string {
  return webviewHtml(webview, extension, {
    name: 'preview',
    title: vscode.l10n.t('Preview'),
    inlineScripts,
    policy: (source) => [
      // The shown code has its styles in itself.
      `style-src ${source} 'unsafe-inline'`,
      `img-src ${source} data: blob:`,
      `base-uri 'none'`,
      `form-action 'none'`,
    ],
  });
}
