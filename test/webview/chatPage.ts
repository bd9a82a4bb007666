/** The built page in a real Chromium, in the shell and under the policy that the host gives it. */
import { readFileSync } from 'node:fs';
import { type Browser, type Page, chromium } from 'playwright-core';
import * as vscode from 'vscode';
import { findChromium } from '../../.ci/chromium.ts';
import { pageHtml } from '../../extension/chat/page/page.ts';
import type { FromPage, PageMessage, PageState, ToPage } from '../../webview/protocol.ts';
import { plainPng } from '../support/pictureFiles.ts';
import { THEMES, type ThemeName } from './themes.ts';

const ORIGIN = 'http://airgap.test';
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css' };

declare global {
  interface Window {
    posted: FromPage[];
    savedState: unknown;
  }
}

export interface PageOptions {
  theme?: ThemeName;
  /** Pixels; a side bar has about 300. */
  width?: number;
  height?: number;
  state?: Partial<PageState>;
}

/** Chromium refuses its sandbox to root, and these pages are our own. Tests need not wait for 60 frames a second. */
export function startChromium({
  frameRate = 'unlimited',
}: { frameRate?: 'limited' | 'unlimited' } = {}): Promise<Browser> {
  const args = ['--no-sandbox', ...(frameRate === 'unlimited' ? ['--disable-frame-rate-limit'] : [])];
  return chromium.launch({ executablePath: findChromium()!, args });
}

export class ChatPage implements AsyncDisposable {
  /** Every address that was asked for. */
  readonly requests: string[] = [];
  /** The browser's complaints: violations of the content security policy, and errors. */
  readonly complaints: string[] = [];
  dialogs = 0;

  readonly #options: PageOptions;

  private constructor(
    readonly page: Page,
    options: PageOptions,
  ) {
    this.#options = options;
  }

  static async open(browser: Browser, options: PageOptions = {}): Promise<ChatPage> {
    const { width = 360, height = 720, theme = 'dark' } = options;
    const page = await browser.newPage({ viewport: { width, height } });
    const chat = new ChatPage(page, options);
    page.on('request', (request) => chat.requests.push(request.url()));
    page.on('pageerror', (error) => chat.complaints.push(String(error)));
    page.on('console', (line) => ['error', 'warning'].includes(line.type()) && chat.complaints.push(line.text()));
    page.on('dialog', (dialog) => (chat.dialogs++, void dialog.dismiss()));
    await page.route('**/*', (route) => {
      const path = new URL(route.request().url()).pathname;
      if (!route.request().url().startsWith(ORIGIN)) return route.abort();
      if (path === '/') return route.fulfill({ contentType: 'text/html', body: shell() });
      if (path.startsWith('/pictures/')) return route.fulfill({ contentType: 'image/png', body: plainPng(120, 70) });
      return route.fulfill({ contentType: TYPES[path.split('.').pop()!]!, body: readFileSync(`dist/webview${path}`) });
    });
    await page.addInitScript(prepare, THEMES[theme]);
    await chat.load();
    return chat;
  }

  /** Loads the page, again too, and answers its `ready` as the host does. */
  async load(): Promise<void> {
    await this.page.goto(`${ORIGIN}/`);
    const { colors } = THEMES[this.#options.theme ?? 'dark'];
    await this.say({ type: 'state', state: { ...emptyState(), ...this.#options.state, colors } });
  }

  /** Says something as the host, and waits until it is drawn. */
  async say(...messages: ToPage[]): Promise<void> {
    await this.page.evaluate((all) => all.forEach((message) => window.postMessage(message, '*')), messages);
    await this.frame();
  }

  /** Waits until what has happened is drawn. */
  async frame(): Promise<void> {
    await this.page.evaluate(
      () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))),
    );
  }

  /** Messages that the page has sent to the host since the last call, except `ready`. */
  posted(): Promise<FromPage[]> {
    return this.page.evaluate(() => window.posted.splice(0).filter(({ type }) => type !== 'ready'));
  }

  /** Presses a key and waits until its effect is drawn. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
      await this.frame();
    }
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    await this.frame();
  }

  /** The label or the text of the focused element. */
  focused(): Promise<string> {
    return this.page.evaluate(() => {
      const element = document.activeElement!;
      return element.getAttribute('aria-label') ?? (element.textContent || element.tagName);
    });
  }

  /** Texts announced to screen readers. */
  spoken(): Promise<string[]> {
    return this.page.evaluate(() => Array.from(document.querySelectorAll('#spoken p'), (line) => line.textContent!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

/** A conversation without anything. */
export function emptyState(): PageState {
  return {
    ...{ conversationId: 'c1', title: 'Rounding of prices', messages: [], chips: [] },
    ...{ contextUse: { used: 1200, limit: 4096, note: '' }, colors: {}, texts: {}, trusted: true },
    engine: {
      kind: 'ready',
      text: 'phi-3-mini',
      fraction: 1,
      remedies: [],
      advice: '',
      place: 'Local only',
      sent: '',
      goes: '',
    },
  };
}

/** A message; `q…` is the user's, `a…` an answer. */
export function message(id: string, text: string, change: Partial<PageMessage> = {}): PageMessage {
  return { id, role: id.startsWith('q') ? 'user' : 'assistant', text, status: 'done', ...change };
}

function shell(): string {
  const webview = {
    cspSource: ORIGIN,
    asWebviewUri: (uri: vscode.Uri) => `${ORIGIN}/${uri.path.split('/').pop()}`,
  };
  return pageHtml(webview as unknown as vscode.Webview, vscode.Uri.file('/airgap'), vscode.Uri.file('/pictures'));
}

/** Does what VS Code does before the page's own script runs. Runs in the browser. */
function prepare({ classes, variables }: { classes: string; variables: Record<string, string> }): void {
  window.posted = [];
  const key = 'vscode-state';
  Object.assign(window, {
    acquireVsCodeApi: () => ({
      postMessage: (said: FromPage) => window.posted.push(said),
      getState: () => JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined,
      setState: (state: unknown) => sessionStorage.setItem(key, JSON.stringify(state)),
    }),
  });
  document.addEventListener('DOMContentLoaded', () => {
    document.body.className = classes;
    const { style } = document.documentElement;
    for (const [name, value] of Object.entries(variables)) style.setProperty(`--vscode-${name}`, value);
    style.background = variables['sideBar-background']!;
  });
}
