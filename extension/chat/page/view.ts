/** Places that show the chat: the view in a side bar, and editor tabs. */
import * as vscode from 'vscode';
import type { ToPage } from '../../../webview/protocol.ts';
import type { ChatController } from '../controller.ts';
import { parseMessage } from './messages.ts';
import { pageHtml, pageRoots } from './page.ts';
import type { Page, Pages } from './pages.ts';

const VIEW = 'airgap.chat';
const PANEL = 'airgap.chat.editor';

export interface ChatViewHost {
  readonly extension: vscode.Uri;
  /** The folder with the picture files of conversations. */
  readonly pictures: string;
  readonly pages: Pages;
  /** A function, because the page may exist before the controller. */
  controller(): ChatController;
  log(message: string): void;
}

export class ChatView implements vscode.WebviewViewProvider, vscode.WebviewPanelSerializer<unknown>, vscode.Disposable {
  readonly #registrations = [
    vscode.window.registerWebviewViewProvider(VIEW, this),
    vscode.window.registerWebviewPanelSerializer(PANEL, this),
  ];
  readonly #panels = new Set<vscode.WebviewPanel>();
  readonly #webviews = new Set<vscode.Webview>();

  readonly #host: ChatViewHost;

  constructor(host: ChatViewHost) {
    this.#host = host;
  }

  /** Shows a page and gives it the focus: a visible tab, if there is one, else the view. */
  async reveal(): Promise<void> {
    const panel = [...this.#panels].find(({ visible }) => visible);
    if (panel) panel.reveal();
    else await vscode.commands.executeCommand(`${VIEW}.focus`);
  }

  openInEditor(): void {
    const panel = vscode.window.createWebviewPanel(PANEL, 'Airgap', vscode.ViewColumn.Active);
    this.#addPanel(panel);
  }

  /** Reloads every page with the current scripts and styles from disk. */
  reload(): void {
    for (const webview of this.#webviews) webview.html = this.#html(webview);
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const page = this.#serve(view.webview);
    view.onDidChangeVisibility(() => !view.visible && this.#host.pages.remove(page));
    view.onDidDispose(() => {
      this.#webviews.delete(view.webview);
      this.#host.pages.remove(page);
    });
  }

  /** Called after the window has been reloaded; the controller determines what the chat shows. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.#addPanel(panel);
    return Promise.resolve();
  }

  dispose(): void {
    // The tabs stay: VS Code restores them after the window has been reloaded.
    for (const registration of this.#registrations) registration.dispose();
  }

  #addPanel(panel: vscode.WebviewPanel): void {
    const page = this.#serve(panel.webview);
    panel.iconPath = vscode.Uri.joinPath(this.#host.extension, 'media', 'chat.svg');
    this.#panels.add(panel);
    panel.onDidChangeViewState(() => !panel.visible && this.#host.pages.remove(page));
    panel.onDidDispose(() => {
      this.#panels.delete(panel);
      this.#webviews.delete(panel.webview);
      this.#host.pages.remove(page);
    });
  }

  get #pictures(): vscode.Uri {
    return vscode.Uri.file(this.#host.pictures);
  }

  #html(webview: vscode.Webview): string {
    return pageHtml(webview, this.#host.extension, this.#pictures);
  }

  /** Sends messages to the page from its `ready` until it is hidden, at which point VS Code discards it. */
  #serve(webview: vscode.Webview): Page {
    const { extension, log } = this.#host;
    const page: Page = { post: (message: ToPage) => void webview.postMessage(message) };
    webview.options = { enableScripts: true, localResourceRoots: [...pageRoots(extension), this.#pictures] };
    webview.onDidReceiveMessage((said: unknown) => {
      const parsed = parseMessage(said);
      if ('message' in parsed) void this.#host.controller().handle(parsed.message, page);
      else log(`The chat's page said something that is not understood: ${parsed.problem}`);
    });
    webview.html = this.#html(webview);
    this.#webviews.add(webview);
    return page;
  }
}
