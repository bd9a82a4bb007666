import assert from 'node:assert/strict';
import { Suggester } from '../../../extension/chat/context/suggest.ts';
import { FakeWorkspace } from '../../support/extension/fakeWorkspace.ts';
import { fake, Uri } from '../../support/extension/vscodeStub.ts';

const suggester = (excluded: string[] = []): Suggester => new Suggester(() => excluded);
const uriOf = (path: string): string => Uri.parse(`file:///project/${path}`).toString();

/** Labels of what is suggested, with what follows the name of a kind. */
async function labels(text: string, from = suggester()): Promise<string[]> {
  return (await from.suggest(text)).map(({ label }) => label);
}

function range(first: number, last: number) {
  return { start: { line: first, character: 0 }, end: { line: last, character: 0 } };
}

beforeEach(() => fake.set({}));

describe('chat suggestions', () => {
  it('/ lists every command with a line; typing narrows', async () => {
    new FakeWorkspace();
    const all = await suggester().suggest('/');
    assert.deepEqual(
      all.map(({ label }) => label),
      ['/explain', '/fix', '/tests', '/doc', '/refactor', '/commit', '/terminal'],
    );
    assert.ok(
      all.every(
        ({ detail, kind, more, insert, label }) => detail && kind === 'command' && !more && insert === `${label} `,
      ),
    );
    assert.deepEqual(await labels('/te'), ['/tests', '/terminal']);
    assert.deepEqual(await labels('/x'), []);
    assert.deepEqual(await labels('plain'), []);
    assert.deepEqual(await labels('@p and more'), []);
  });

  it('@ lists what can be attached, then what is open, the active editor first', async () => {
    const workspace = new FakeWorkspace({ 'other.ts': '' });
    workspace.open('a.ts', '');
    workspace.open('src/b.ts', '', { active: true });
    const all = await suggester().suggest('@');
    assert.deepEqual(
      all.map(({ label, detail }) => (label === '@problems' ? `${label} ${detail}` : label)),
      [
        '@file',
        '@folder',
        '@symbol',
        '@image',
        '@problems Problems in src/b.ts',
        '@problems Problems in the workspace',
        '@terminal',
        '@changes',
        '@changes',
        '@project',
        'b.ts',
        'a.ts',
      ],
    );
    assert.deepEqual(
      all.filter(({ more }) => more).map(({ insert }) => insert),
      ['@file ', '@folder ', '@symbol ', '@image '],
    );
  });

  const attached: [text: string, index: number, attachment: object][] = [
    ['@problems', 1, { kind: 'problems' }],
    ['@problems', 0, { kind: 'problems', uri: uriOf('a b#1.ts') }],
    ['@changes', 0, { kind: 'changes' }],
    ['@changes ', 1, { kind: 'changes', staged: true }],
    ['@project', 0, { kind: 'project' }],
    ['@a', 0, { kind: 'file', uri: uriOf('a b#1.ts') }],
    ['@file a', 0, { kind: 'file', uri: uriOf('a b#1.ts') }],
    ['@image ', 0, { kind: 'file', uri: uriOf('src/shot.png') }],
    ['@folder deep', 0, { kind: 'folder', uri: uriOf('src/deep') }],
    ['@folder s', 0, { kind: 'folder', uri: uriOf('src') }],
  ];
  for (const [text, index, attachment] of attached) {
    it(`${text} attaches ${JSON.stringify(attachment)}`, async () => {
      const workspace = new FakeWorkspace({ 'src/deep/c.ts': '', 'src/d.ts': '', 'src/shot.png': '' });
      workspace.open('a b#1.ts', '', { active: true });
      const from = suggester();
      const found = await from.suggest(text);
      assert.deepEqual(await from.resolve(found[index]!.id), attachment);
    });
  }

  it('files fit by their paths, open ones first, each once', async () => {
    const workspace = new FakeWorkspace({
      'src/main.ts': '',
      'src/domain.ts': '',
      'test/main.test.ts': '',
      'x.md': '',
    });
    assert.deepEqual(await labels('@file main'), ['main.ts', 'main.test.ts', 'domain.ts']);
    workspace.open('src/domain.ts', '');
    assert.deepEqual(await labels('@file main'), ['domain.ts', 'main.ts', 'main.test.ts']);
    assert.deepEqual(await labels('@main'), ['domain.ts', 'main.ts', 'main.test.ts']);
  });

  it('files that are hidden, secret or excluded are not offered', async () => {
    fake.set({ 'search.exclude': { '**/node_modules': true, '**/*.{min,map}.js': true } });
    const workspace = new FakeWorkspace({
      'a.ts': '',
      '.env': '',
      id_rsa: '',
      'node_modules/x/a.ts': '',
      'a.min.js': '',
      'own/a.md': '',
    });
    workspace.open('.env', 'A=1', { active: true });
    assert.deepEqual(await labels('@file ', suggester(['own/**'])), ['a.ts']);
  });

  it('where a search would wait for ever, folders are walked', async () => {
    new FakeWorkspace({ 'src/a.ts': '' }, 'vscode-vfs://github/o/r');
    const from = suggester();
    const [found] = await from.suggest('@file a');
    assert.deepEqual(await from.resolve(found!.id), { kind: 'file', uri: 'vscode-vfs://github/o/r/src/a.ts' });
  });

  it('hostile names stay on one line', async () => {
    new FakeWorkspace({ 'a\n\u202Etxt.ts': '' });
    const [found] = await suggester().suggest('@file a');
    assert.deepEqual([found!.label, found!.detail], Array(2).fill('a\uFFFD\uFFFDtxt.ts'));
  });

  it('symbols of the document and of the workspace; the whole one is attached', async () => {
    const workspace = new FakeWorkspace();
    workspace.open('a.ts', '', { active: true });
    const parse = {
      name: 'parse',
      range: range(4, 9),
      children: [{ name: 'inner', range: range(5, 6), children: [] }],
    };
    workspace.commands.set('vscode.executeDocumentSymbolProvider', (uri) =>
      String(uri) === uriOf('a.ts') ? [parse] : [{ name: 'parser(text)', range: range(1, 8), children: [] }],
    );
    const location = { uri: Uri.parse(uriOf('b.ts')), range: range(1, 1) };
    const secret = { uri: Uri.parse(uriOf('.env')), range: range(1, 1) };
    workspace.commands.set('vscode.executeWorkspaceSymbolProvider', () => [
      { name: 'parser()', location },
      { name: 'parseSecret', location: secret },
      { name: 'parse()', location: { uri: Uri.parse(uriOf('a.ts')), range: range(4, 9) } },
    ]);
    const from = suggester();
    const found = await from.suggest('@symbol pars');
    assert.deepEqual(
      found.map(({ label, detail }) => [label, detail]),
      [
        ['parse', 'a.ts:5'],
        ['parser()', 'b.ts:2'],
      ],
    );
    assert.deepEqual(await from.resolve(found[1]!.id), {
      kind: 'symbol',
      uri: uriOf('b.ts'),
      name: 'parser(text)',
      firstLine: 2,
      lastLine: 9,
    });
    assert.deepEqual(await labels('@symbol '), ['parse', 'inner']);
  });

  it('a provider that fails leaves the others', async () => {
    const workspace = new FakeWorkspace();
    workspace.open('a.ts', '', { active: true });
    workspace.commands.set('vscode.executeWorkspaceSymbolProvider', () => Promise.reject(new Error('server')));
    workspace.commands.set('vscode.executeDocumentSymbolProvider', () => [
      { name: 'f', range: range(0, 1), children: [] },
    ]);
    assert.deepEqual(await labels('@symbol f'), ['f']);
  });

  it('a newer call ends the older one', async () => {
    const workspace = new FakeWorkspace({ 'a.ts': '' });
    workspace.open('a.ts', '', { active: true });
    workspace.commands.set('vscode.executeDocumentSymbolProvider', () => new Promise(() => {}));
    const from = suggester();
    const older = from.suggest('@symbol x');
    assert.deepEqual(await labels('@file a', from), ['a.ts']);
    assert.deepEqual(await older, []);
  });

  it('at most 50 of 30,000 files, and the event loop goes on meanwhile', async () => {
    const workspace = new FakeWorkspace();
    const many = Array.from({ length: 30_000 }, (_, i) => `src/folder${i % 100}/someFile${i}.ts`);
    for (const path of many) workspace.files.set(uriOf(path), new Uint8Array());
    const from = suggester();
    let turns = 0;
    let timer = setImmediate(function turn() {
      turns++;
      timer = setImmediate(turn);
    });
    assert.equal((await from.suggest('@file smf29')).length, 50);
    clearImmediate(timer);
    assert.ok(turns >= 5, `the event loop took ${turns} turns`);
  });

  it('old ids are forgotten, unknown ones refused with a sentence', async () => {
    new FakeWorkspace({ 'a.ts': '' });
    const from = suggester();
    const [first] = await from.suggest('@project');
    for (let i = 0; i < 300; i++) await from.suggest('@p');
    await assert.rejects(from.resolve(first!.id), { message: /^This suggestion is no longer available/ });
    await assert.rejects(from.resolve('x'), { message: /Type @ again\.$/ });
  });
});

describe('terminal selection', () => {
  const cases: { name: string; clipboard: string; selection: string | undefined; text?: string; after: string }[] = [
    {
      name: 'the clipboard is put back',
      clipboard: 'mine',
      selection: 'error: x\r\n',
      text: 'error: x',
      after: 'mine',
    },
    {
      name: 'nothing selected: the clipboard is not taken for it',
      clipboard: 'my password',
      selection: undefined,
      after: 'my password',
    },
    { name: 'a clipboard without text is not written to', clipboard: '', selection: undefined, after: '' },
    { name: 'colours go', clipboard: 'mine', selection: '\u001b[31mred\u001b[0m', text: 'red', after: 'mine' },
  ];
  for (const { name, clipboard, selection, text, after } of cases) {
    it(name, async () => {
      const workspace = new FakeWorkspace();
      workspace.clipboard = clipboard;
      workspace.terminalSelection = selection;
      const from = suggester();
      const [found] = await from.suggest('@terminal');
      const resolved = from.resolve(found!.id);
      if (text === undefined) await assert.rejects(resolved, { message: 'Nothing is selected in the terminal.' });
      else assert.deepEqual(await resolved, { kind: 'terminal', text });
      assert.equal(workspace.clipboard, after);
      if (clipboard === '') assert.deepEqual(workspace.clipboardWrites, []);
    });
  }
});
