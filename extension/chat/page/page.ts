/**
 * The page's HTML shell, which restricts what it may load and do. Our scripts create all content; nothing is loaded
 * from the network.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** The folders that a page may read. */
export function pageRoots(extension: vscode.Uri): vscode.Uri[] {
  return ['dist/webview', 'media'].map((folder) => vscode.Uri.joinPath(extension, folder));
}

/** `pictures`: the folder whose files the page may show. */
export function pageHtml(webview: vscode.Webview, extension: vscode.Uri, pictures: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64url');
  const file = (name: string): string =>
    attribute(webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist/webview', name)).toString());
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    // blob: the page asks how large a picture is before it decodes it.
    `img-src ${webview.cspSource} blob:`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${attribute(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">
<title>${attribute(vscode.l10n.t('Airgap chat'))}</title>
<link rel="stylesheet" href="${file('chat.css')}">
</head>
<body>
<div id="root" data-pictures="${attribute(webview.asWebviewUri(pictures).toString())}"></div>
<script nonce="${nonce}" src="${file('chat.js')}"></script>
</body>
</html>`;
}

function attribute(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
