/** Screenshots of code, terminals and dialogs whose text is known: which there are, and Chromium's pictures of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import hljs from 'highlight.js';
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../../../../.ci/chromium.ts';
import { TEXTS, type Text } from './texts.ts';

/** How a text is shown. */
export interface Look {
  readonly dark: boolean;
  /** Device pixels per CSS pixel. */
  readonly scale: 1 | 2;
  /** CSS pixels. */
  readonly size: number;
  /** Index in FAMILIES. */
  readonly family: number;
  /** Whether letters have coloured edges, as displays with stripes of colours get them. */
  readonly subpixel: boolean;
}

export interface Screenshot {
  readonly name: string;
  readonly source: Text;
  readonly look: Look;
}

export const FAMILIES = [
  { code: 'DejaVu Sans Mono', dialog: 'DejaVu Sans' },
  { code: 'JetBrains Mono', dialog: 'Inter' },
  { code: 'Source Code Pro', dialog: 'Open Sans' },
] as const;
const SIZES = [12, 13, 14, 15, 16];

/** Every text at both scales in two looks; the looks go through themes, sizes, fonts and smoothing independently. */
export const SCREENSHOTS: readonly Screenshot[] = TEXTS.flatMap((source, i) =>
  [0, 1].flatMap((turn) => {
    const n = 2 * i + turn;
    const look = {
      dark: turn === (i & 1),
      size: SIZES[n % SIZES.length]!,
      family: n % FAMILIES.length,
      subpixel: (n >> 1) % 2 === 0,
    };
    return ([1, 2] as const).map((scale) => {
      const shown = [
        `${scale}x`,
        look.dark ? 'dark' : 'light',
        `${look.size} px`,
        FAMILIES[look.family]![source.kind === 'dialog' ? 'dialog' : 'code'],
        look.subpixel ? 'sub-pixel' : 'grey',
      ];
      return { name: `${source.kind} ${source.name}: ${shown.join(', ')}`, source, look: { ...look, scale } };
    });
  }),
);

/** Fontconfig's words for a display whose pixels are stripes of red, green and blue. */
const STRIPES = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
  <include>/etc/fonts/fonts.conf</include>
  <match target="font"><edit name="rgba" mode="assign"><const>rgb</const></edit></match>
  <match target="pattern"><edit name="rgba" mode="assign"><const>rgb</const></edit></match></fontconfig>`;

/** Chromium as it draws on both kinds of displays. */
export class Renderer implements AsyncDisposable {
  readonly #plain: Browser;
  readonly #subpixel: Browser;
  readonly #folder: string;

  private constructor(plain: Browser, subpixel: Browser, folder: string) {
    this.#plain = plain;
    this.#subpixel = subpixel;
    this.#folder = folder;
  }

  static async start(): Promise<Renderer> {
    const folder = mkdtempSync(join(tmpdir(), 'airgap-fonts-'));
    const configuration = join(folder, 'fonts.conf');
    writeFileSync(configuration, STRIPES);
    const launch = (env: Record<string, string>, ...args: string[]) =>
      chromium.launch({
        executablePath: findChromium()!,
        args: ['--no-sandbox', ...args],
        env: { ...process.env, ...env },
      });
    const plain = await launch({}, '--disable-lcd-text');
    return new Renderer(plain, await launch({ FONTCONFIG_FILE: configuration }), folder);
  }

  /** The screenshot as a PNG file's bytes. */
  async draw({ source, look }: Screenshot): Promise<Buffer> {
    const browser = look.subpixel ? this.#subpixel : this.#plain;
    const page = await browser.newPage({ viewport: { width: 900, height: 500 }, deviceScaleFactor: look.scale });
    try {
      await page.setContent(html(source, look));
      await page.evaluate(() => document.fonts.ready);
      return await page.locator('body > *').screenshot();
    } finally {
      await page.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#plain.close(), this.#subpixel.close()]);
    rmSync(this.#folder, { recursive: true });
  }
}

/** Colours of VS Code's default themes. */
const LIGHT = `
  body { background: #fff; color: #1f1f1f }
  .hljs-keyword, .hljs-literal, .hljs-type { color: #0000ff } .hljs-string, .hljs-meta .hljs-string { color: #a31515 }
  .hljs-comment { color: #008000 } .hljs-number { color: #098658 } .hljs-title, .hljs-built_in { color: #795e26 }
  .hljs-name, .hljs-selector-tag { color: #800000 } .hljs-attr, .hljs-attribute { color: #e50000 }
  .error { color: #cd3131 } .dialog { background: #f3f3f3; border-color: #c8c8c8 }
  button { background: #005fb8; color: #fff } button + button { background: #e5e5e5; color: #3b3b3b }`;
const DARK = `
  body { background: #1f1f1f; color: #ccc }
  .hljs-keyword, .hljs-literal, .hljs-type { color: #569cd6 } .hljs-string, .hljs-meta .hljs-string { color: #ce9178 }
  .hljs-comment { color: #6a9955 } .hljs-number { color: #b5cea8 } .hljs-title, .hljs-built_in { color: #dcdcaa }
  .hljs-name, .hljs-selector-tag { color: #569cd6 } .hljs-attr, .hljs-attribute { color: #9cdcfe }
  .error { color: #f14c4c } .dialog { background: #252526; border-color: #454545 }
  button { background: #0078d4; color: #fff } button + button { background: #313131; color: #ccc }`;

function html(source: Text, { dark, size, family }: Look): string {
  const { code, dialog } = FAMILIES[family]!;
  return `<!doctype html><style>${fontFaces}
    body { margin: 0; font: ${size}px/1.45 '${code}'; font-variant-ligatures: none } ${dark ? DARK : LIGHT}
    pre { margin: 0; padding: 10px 14px; font: inherit; width: max-content }
    .dialog { font: ${size}px/1.4 '${dialog}'; width: 560px; padding: 14px 18px; border: 1px solid }
    h1 { font-size: ${size + 1}px; font-weight: 700; margin: 0 0 10px } p { margin: 0 0 8px; width: max-content }
    footer { display: flex; gap: 10px; justify-content: flex-end; margin-top: 14px }
    button { font: inherit; border: 0; border-radius: 2px; padding: 5px 14px }
    </style>${source.kind === 'dialog' ? dialogHtml(source.text) : preHtml(source)}`;
}

function preHtml({ language, text }: Text): string {
  if (language) return `<pre>${hljs.highlight(text, { language }).value}</pre>`;
  const lines = escape(text)
    .split('\n')
    .map((line) => (/error|fail/i.test(line) ? `<span class="error">${line}</span>` : line));
  return `<pre>${lines.join('\n')}</pre>`;
}

function dialogHtml(text: string): string {
  const [title, ...lines] = escape(text).split('\n');
  const buttons = lines.pop()!.split('  ');
  return `<div class="dialog"><h1>${title}</h1>${lines.map((line) => `<p>${line}</p>`).join('')}
    <footer>${buttons.map((label) => `<button>${label}</button>`).join('')}</footer></div>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const fontFaces = [
  ['JetBrains Mono', 'jetbrains-mono', 400],
  ['Source Code Pro', 'source-code-pro', 400],
  ...[400, 700].flatMap((weight) => [
    ['Inter', 'inter', weight],
    ['Open Sans', 'open-sans', weight],
  ]),
]
  .map(([name, packageName, weight]) => {
    const file = `node_modules/@fontsource/${packageName}/files/${packageName}-latin-${weight}-normal.woff2`;
    const data = readFileSync(file).toString('base64');
    return `@font-face { font-family: '${name}'; font-weight: ${weight}; src: url(data:font/woff2;base64,${data}) }`;
  })
  .join('\n');
