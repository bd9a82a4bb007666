/** The chat's page: what it may load and do. Our scripts create all content; nothing is loaded from the network. */
import * as vscode from 'vscode';
import { webviewHtml } from '../../common/webviewPage.ts';

/** The folders that a page may read. */
export function pageRoots(extension: vscode.Uri): vscode.Uri[] {
  return ['dist/webview', 'media'].map((folder) => vscode.Uri.joinPath(extension, folder));
}

/** `pictures`: the folder whose files the page may show. */
export function pageHtml(webview: vscode.Webview, extension: vscode.Uri, pictures: vscode.Uri): string {
  return webviewHtml(webview, extension, {
    name: 'chat',
    title: vscode.l10n.t('Airgap chat'),
    data: { pictures: webview.asWebviewUri(pictures).toString() },
    policy: (source) => [
      `style-src ${source}`,
      `font-src ${source}`,
      // blob: the page asks how large a picture is before it decodes it.
      `img-src ${source} blob:`,
      `base-uri 'none'`,
      `form-action 'none'`,
    ],
  });
}
