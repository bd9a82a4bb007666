import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { pageHtml, pageRoots } from '../../../extension/chat/page/page.ts';
import { Uri } from '../../support/extension/vscodeStub.ts';

const extension = Uri.parse('file:///extension') as unknown as vscode.Uri;
const webview = {
  cspSource: 'https://*.example.org',
  asWebviewUri: (uri: vscode.Uri) => Uri.parse(`https://file.example.org${uri.path}?a="b"&c`),
} as unknown as vscode.Webview;

describe("the page's shell", () => {
  const pictures = Uri.parse('file:///chats/pictures') as unknown as vscode.Uri;
  const html = pageHtml(webview, extension, pictures);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)![1]!;
  const nonce = /'nonce-([\w-]+)'/.exec(policy)![1]!;

  it('lets nothing in but our own script, styles, fonts and pictures', () => {
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      'style-src https://*.example.org',
      'font-src https://*.example.org',
      'img-src https://*.example.org blob:',
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it('has one script, with the nonce, and nothing inline', () => {
    assert.deepEqual(html.match(/<script[^]*?<\/script>/g)?.length, 1);
    assert.match(html, new RegExp(`<script nonce="${nonce}" src="https://[^"<>]+"></script>`));
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|javascript:/i);
    assert.match(html, /<html lang="en">/);
    assert.match(html, /<title>[^<]+<\/title>/);
  });

  it('knows where the pictures of conversations lie', () =>
    assert.match(html, /data-pictures="https:\/\/file\.example\.org\/chats\/pictures\?/));

  it('has another nonce each time', () => {
    assert.ok(nonce.length >= 16);
    assert.ok(!pageHtml(webview, extension, pictures).includes(nonce));
  });

  it('reads only what was built for it, and pictures', () => {
    assert.deepEqual(pageRoots(extension).map(String), ['file:///extension/dist/webview', 'file:///extension/media']);
  });
});
