/** The preview's page in a real Chromium, in the shell and under the policy that the host gives it. */
import { readFileSync } from 'node:fs';
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';
import * as vscode from 'vscode';
import { previewHtml } from '../../../extension/screenshot/panel.ts';
import type { FromPreview, PreviewState, ToPreview } from '../../../webview/preview/protocol.ts';
import { THEMES, type ThemeName } from '../themes.ts';

/** VS Code's pages have a secure origin, too. */
const ORIGIN = 'https://airgap.test';
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
/** The picture that stands in the page. */
const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="600"><rect width="800" height="600" fill="#c00"/></svg>';

declare global {
  interface Window {
    said: FromPreview[];
  }
}

export class PreviewPage implements AsyncDisposable {
  /** Every address that something came from; what the policy refuses is asked for, but goes nowhere. */
  readonly requests: string[] = [];
  dialogs = 0;

  private constructor(readonly page: Page) {}

  static async open(
    browser: Browser,
    options: { state?: Partial<PreviewState>; code?: string; theme?: ThemeName; width?: number } = {},
  ): Promise<PreviewPage> {
    const { theme = 'dark', width = 900 } = options;
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    const preview = new PreviewPage(page);
    page.on('requestfinished', (request) => preview.requests.push(request.url()));
    page.on('dialog', (dialog) => (preview.dialogs++, void dialog.dismiss()));
    const scripts = options.state?.scripts ?? false;
    await page.route(`${ORIGIN}/**`, (route) => {
      const path = new URL(route.request().url()).pathname;
      const ending = path.split('.').pop()!;
      if (path === '/') return route.fulfill({ contentType: 'text/html', body: shell(scripts) });
      const body = ending === 'svg' ? PICTURE : readFileSync(`dist/webview${path}`);
      return route.fulfill({ contentType: TYPES[ending]!, body });
    });
    await page.addInitScript(prepare, THEMES[theme]);
    await page.goto(`${ORIGIN}/`);
    await preview.say({ type: 'state', state: { ...emptyState(), ...options.state } });
    if (options.code !== undefined) await preview.show(options.code);
    return preview;
  }

  async say(...messages: ToPreview[]): Promise<void> {
    await this.page.evaluate(async (all) => {
      const heard = new Promise<void>((done) => {
        let left = all.length;
        window.addEventListener('message', () => --left === 0 && done());
      });
      for (const message of all) window.postMessage(message, '*');
      await heard;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
    }, messages);
  }

  /** Shows code, and waits until it is laid out. */
  async show(code: string): Promise<void> {
    await this.say({ type: 'code', code });
    await this.page.waitForFunction(() => {
      const frames = Array.from(document.querySelectorAll('.frame > :not(button)'));
      return (
        frames.length === 1 && frames[0]!.className !== 'coming' && frames[0]!.outerHTML !== '<p class="muted"></p>'
      );
    });
  }

  get result(): FrameLocator {
    return this.page.frameLocator('.frame iframe:not(.coming)');
  }
  get slider(): Locator {
    return this.page.getByRole('slider');
  }
  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Messages to the host since the last call, except `ready`. */
  said(): Promise<FromPreview[]> {
    return this.page.evaluate(() => window.said.splice(0).filter(({ type }) => type !== 'ready'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

export function emptyState(): PreviewState {
  return {
    picture: { src: `${ORIGIN}/shop.svg`, name: 'shop.png', width: 800, height: 600 },
    ...{ preview: 'html', writing: false, status: 'The code is complete.', problem: false, notes: [] },
    ...{ scripts: false, trusted: true, texts: {} },
  };
}

/** Addresses of the page itself. */
export const OWN_FILES = ['/', '/preview.css', '/preview.js', '/shop.svg'].map((path) => ORIGIN + path);

function shell(scripts: boolean): string {
  const webview = {
    cspSource: ORIGIN,
    asWebviewUri: (uri: vscode.Uri) => `${ORIGIN}/${uri.path.split('/').pop()}`,
  };
  return previewHtml(webview as unknown as vscode.Webview, vscode.Uri.file('/airgap'), scripts);
}

/** Does what VS Code does before the page's own script runs. Runs in the browser, in the frames too. */
function prepare({ classes, variables }: { classes: string; variables: Record<string, string> }): void {
  if (window.parent !== window) return;
  window.said = [];
  Object.assign(window, {
    acquireVsCodeApi: () => ({
      postMessage: (said: FromPreview) => window.said.push(said),
      getState: () => JSON.parse(sessionStorage.getItem('look') ?? 'null') ?? undefined,
      setState: (look: unknown) => sessionStorage.setItem('look', JSON.stringify(look)),
    }),
  });
  document.addEventListener('DOMContentLoaded', () => {
    document.body.className = classes;
    const { style } = document.documentElement;
    for (const [name, value] of Object.entries(variables)) style.setProperty(`--vscode-${name}`, value);
    style.background = variables['editor-background']!;
  });
}
