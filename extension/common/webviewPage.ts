/** The HTML shell of a page of ours: one script and one stylesheet from dist/webview, and what the page may load and do. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

export interface WebviewPage {
  /** Of the script and the stylesheet, without ending. */
  readonly name: string;
  readonly title: string;
  /** What the page is told: attributes `data-…` of its root element. */
  readonly data?: Readonly<Record<string, string>>;
  /** What the page may do beside running its own script; default-src is 'none'. `source` stands for our files. */
  policy(source: string): readonly string[];
  /** Inline scripts of frames inside the page may run; otherwise no script but ours. */
  readonly inlineScripts?: boolean;
}

export function webviewHtml(webview: vscode.Webview, extension: vscode.Uri, page: WebviewPage): string {
  const nonce = randomBytes(16).toString('base64url');
  const file = (ending: string): string =>
    attribute(
      webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist/webview', `${page.name}.${ending}`)).toString(),
    );
  // A nonce would switch 'unsafe-inline' off.
  const scripts = page.inlineScripts ? `${webview.cspSource} 'unsafe-inline'` : `'nonce-${nonce}'`;
  const policy = [`default-src 'none'`, `script-src ${scripts}`, ...page.policy(webview.cspSource)].join('; ');
  const data = Object.entries(page.data ?? {}).map(([name, value]) => ` data-${name}="${attribute(value)}"`);
  return `<!DOCTYPE html>
<html lang="${attribute(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">
<title>${attribute(page.title)}</title>
<link rel="stylesheet" href="${file('css')}">
</head>
<body>
<div id="root"${data.join('')}></div>
<script nonce="${nonce}" src="${file('js')}"></script>
</body>
</html>`;
}

function attribute(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
