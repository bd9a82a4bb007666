import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ThemeColors } from '../../../extension/chat/page/syntaxColors.ts';
import { customRules, parseTheme, type Rule, syntaxColors } from '../../../extension/chat/page/themeRules.ts';
import { type Uri, Uri as Address } from '../../support/extension/vscodeBasics.ts';
import { extensions, fake, window, workspace } from '../../support/extension/vscodeStub.ts';

const BASE = `{
  // A theme as people write them.
  "name": "base",
  "tokenColors": [
    { "settings": { "foreground": "#101010" } },
    { "scope": ["comment", "punctuation.definition.comment"], "settings": { "foreground": "#00ff00", "fontStyle": "italic" } },
    { "scope": "string, string.quoted.double", "settings": { "foreground": "#aa0000" } }, /* more */
    { "scope": "keyword", "settings": { "foreground": "#0000aa" } },
    { "scope": "keyword.control", "settings": { "foreground": "#0000ff" } },
    { "scope": "keyword", "settings": { "foreground": "#00aaaa", "fontStyle": "bold" } },
    { "scope": "meta.tag entity.name.function", "settings": { "foreground": "#ffffff" } },
    { "scope": "constant.numeric", "settings": { "foreground": "url(http://example.org)" } },
    { "faulty": true },
  ],
}`;
const DARK =
  '{ "include": "./base.json", "tokenColors": [{ "scope": "string", "settings": { "foreground": "#ff0000" } }] }';

describe("colours of the editor's theme", () => {
  const rules = parseTheme(BASE)!.tokenColors as Rule[];

  const CASES: [name: string, expected: object | undefined][] = [
    ['comment', { color: '#00ff00', italic: true }],
    ['string', { color: '#aa0000' }],
    // The colour of the more specific rule, the style of the only one that has any.
    ['keyword', { color: '#0000ff', bold: true }],
    // A rule for a place within others, a colour that is none, a class without a rule.
    ['title.function', undefined],
    ['number', undefined],
    ['operator', { color: '#00aaaa', bold: true }],
    ['regexp', { color: '#aa0000' }],
    ['addition', undefined],
  ];
  for (const [name, expected] of CASES) {
    it(name, () => assert.deepEqual(syntaxColors(rules)[name], expected));
  }

  it("the user's own rules win, those of other themes do not count", () => {
    const custom = {
      comments: '#111111',
      '[Mine]': {
        keywords: { foreground: '#222222', fontStyle: '' },
        textMateRules: [{ scope: 'string', settings: { foreground: '#333333' } }],
      },
      '[Other*]': { comments: '#444444' },
    };
    const colors = syntaxColors([...rules, ...customRules(custom, 'Mine')]);
    assert.deepEqual([colors.comment?.color, colors.string?.color], ['#111111', '#333333']);
    assert.deepEqual(syntaxColors([...rules, ...customRules(custom, 'Others')]).comment?.color, '#444444');
    assert.deepEqual(customRules('nonsense', 'Mine'), []);
  });

  it('what is no theme', () => {
    for (const text of ['', '[', '"text"', '{ "tokenColors": 5 }']) assert.equal(parseTheme(text), undefined, text);
  });

  describe('read from the extension that brings it', () => {
    let folder: string;
    let colors: ThemeColors | undefined;
    const before = { fs: workspace.fs, all: extensions.all, theme: window.activeColorTheme };
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'airgap-theme-'));
      mkdirSync(join(folder, 'themes'));
      for (const [name, text] of Object.entries({
        'base.json': BASE,
        'dark.json': DARK,
        'tm.json': '{ "tokenColors": "./a.tmTheme" }',
        'loop.json':
          '{ "include": "./loop.json", "tokenColors": [{ "scope": "comment", "settings": { "foreground": "#123456" } }] }',
      })) {
        writeFileSync(join(folder, 'themes', name), text);
      }
      const themes = [
        { id: 'Day', uiTheme: 'vs', path: './themes/base.json' },
        { label: 'Night', uiTheme: 'vs-dark', path: './themes/dark.json' },
        { id: 'Old', uiTheme: 'vs-dark', path: './themes/tm.json' },
        { id: 'Loop', uiTheme: 'vs-dark', path: './themes/loop.json' },
        { id: 'Gone', uiTheme: 'vs-dark', path: './themes/gone.json' },
      ];
      Object.assign(extensions, {
        all: [{ packageJSON: {} }, { packageJSON: { contributes: { themes } }, extensionUri: Address.file(folder) }],
      });
      Object.assign(workspace.fs, { readFile: (uri: Uri) => Promise.resolve().then(() => readFileSync(uri.fsPath)) });
      Object.assign(window, { activeColorTheme: { kind: 2 } });
    });
    afterEach(() => {
      colors?.dispose();
      rmSync(folder, { recursive: true });
      Object.assign(extensions, { all: before.all });
      Object.assign(window, { activeColorTheme: before.theme });
      fake.set({});
    });

    /** The colours that come within half a second. */
    const read = async (settings: Record<string, unknown>): Promise<ReturnType<ThemeColors['current']>> => {
      fake.settings = settings;
      colors = new ThemeColors(() => undefined);
      for (let tries = 0; tries < 50 && Object.keys(colors.current()).length === 0; tries++) await delay(10);
      return colors.current();
    };

    it('the one of the setting, with what it includes', async () => {
      const found = await read({ 'workbench.colorTheme': 'Night' });
      assert.deepEqual([found.string?.color, found.comment?.color], ['#ff0000', '#00ff00']);
    });

    it('the preferred one where VS Code follows the system', async () => {
      Object.assign(window, { activeColorTheme: { kind: 1 } });
      const settings = {
        'window.autoDetectColorScheme': true,
        'workbench.colorTheme': 'Night',
        'workbench.preferredLightColorTheme': 'Day',
      };
      assert.equal((await read(settings)).string?.color, '#aa0000');
    });

    it('anew where a setting changes', async () => {
      await read({ 'workbench.colorTheme': 'Night' });
      const changed = new Promise<void>((resolve) => colors!.onDidChange(() => resolve()));
      fake.set({ 'workbench.colorTheme': 'Night', 'editor.tokenColorCustomizations': { strings: '#abcdef' } });
      await changed;
      assert.equal(colors!.current().string?.color, '#abcdef');
    });

    it('none for a file of TextMate, for one that is gone, for a theme that nobody brings', async () => {
      for (const name of ['Old', 'Gone', 'Nobody']) {
        assert.deepEqual(await read({ 'workbench.colorTheme': name }), {}, name);
        colors!.dispose();
      }
    });

    it('a file that includes itself ends', async () => {
      assert.equal((await read({ 'workbench.colorTheme': 'Loop' })).comment?.color, '#123456');
    });
  });
});
