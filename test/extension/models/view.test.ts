import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { ByteProgress } from '../../../extension/models/byteProgress.ts';
import { type Row, ModelsView } from '../../../extension/models/modelsView.ts';
import { listedModel } from '../../support/extension/listedModel.ts';
import { ModelsWindow } from '../../support/extension/modelsWindow.ts';

const STARTER = listedModel({
  ...{ place: 'bundled', name: 'starter', path: '/media/starter', id: null, origin: null },
  chat: false,
});
const STORED = listedModel({ name: 'phi', path: '/store/phi' });
const CHANGED = listedModel({ name: 'old', path: '/store/old', hash: 'changed' });
const OLLAMA = listedModel({ place: 'ollama', name: 'clip', path: '/o', id: null, problem: 'Not supported.' });

describe('the Models view', () => {
  let window: ModelsWindow;
  let view: ModelsView;
  const dropped: string[] = [];

  beforeEach(() => {
    window = new ModelsWindow();
    window.respond = (args) => [STARTER, STORED, CHANGED, ...(args.includes('--all') ? [OLLAMA] : [])];
    view = new ModelsView({ ...window, importPath: async (path: string) => void dropped.push(path) } as never);
  });
  afterEach(() => view.dispose());
  const items = (row?: Row) => view.getChildren(row).map((each) => view.getTreeItem(each));
  const shown = ({ label, description, iconPath, contextValue }: vscode.TreeItem): string =>
    [label, description, (iconPath as vscode.ThemeIcon | undefined)?.id, contextValue].filter(Boolean).join(' | ');

  it('is empty until the models are listed, and never looks at other programs by itself', async () => {
    assert.deepEqual(items(), []);
    await window.list.refresh();
    assert.deepEqual(items().map(shown), [
      'starter | GGUF Q4_K · 2.4 GB · Bundled · completions and chat | check | model runs',
      'phi | GGUF Q4_K · 2.4 GB · Store | package | model runs chats stored',
      'old | GGUF Q4_K · 2.4 GB · Store | warning | model runs chats stored',
    ]);
    assert.deepEqual(
      window.calls.filter((call) => /airgap models/.test(call)),
      ['airgap models'],
    );
  });

  it('marks no model for what a server does, and follows at once', async () => {
    await window.list.refresh();
    let draws = 0;
    view.onDidChangeTreeData(() => draws++);
    window.serverSettings.set({ 'remote.url': 'https://gpu.example', 'remote.model': 'phi' });
    assert.equal(draws, 1);
    assert.match(shown(items()[0]!), /Bundled · completions \| check/);
    window.serverSettings.set({ 'remote.use': 'nothing' });
    assert.match(shown(items()[0]!), /Bundled · completions and chat \| check/);
  });

  it('shows what was found elsewhere below a row of its own, and keeps it', async () => {
    await window.list.search(new AbortController().signal);
    await window.list.refresh();
    assert.equal(shown(items().at(-1)!), 'Kept by other programs | 1');
    const [row] = items({ kind: 'elsewhere' });
    assert.equal(shown(row!), 'clip | GGUF Q4_K · 2.4 GB · Ollama | circle-slash | model chats');
    assert.match(
      row!.accessibilityInformation!.label,
      /^clip, GGUF Q4_K · 2\.4 GB · Ollama\. It cannot run here: Not supported\.$/,
    );
  });

  it('a model that a setting names has the name that its program gives it', async () => {
    window.respond = (args) => [
      listedModel({ place: 'named', name: 'sha256-1', path: '/o', id: null }),
      listedModel({ place: 'named', name: 'phi', path: '/store/phi', id: null }),
      STORED,
      ...(args.includes('--all') ? [OLLAMA] : []),
    ];
    await window.list.refresh();
    assert.deepEqual(
      items().map(({ label }) => label),
      ['sha256-1', 'phi'],
    );
    await window.list.search(new AbortController().signal);
    assert.deepEqual(
      items().map(({ label }) => label),
      ['phi', 'Kept by other programs'],
    );
  });

  it('tells every fact', async () => {
    window.stored['chat.model'] = '/store/phi';
    window.engine.warmUp('chat');
    const facts = items({ kind: 'model', model: STORED }).map(
      ({ accessibilityInformation }) => accessibilityInformation!.label,
    );
    assert.deepEqual(facts, [
      ...[
        'Used for: chat',
        'Place: Store',
        'Kind: GGUF Q4_K',
        'Context: 4,096 tokens',
        'Size: 2.4 GB',
        'Memory: 3.4 GB',
      ],
      ...['Speed: about 12 tokens/s', 'Backend: wasm (2 threads)', 'Chat: yes', 'Hash: verified against the catalogue'],
      ...['Licence: MIT', 'Path: /store/phi'],
    ]);
  });

  it('imports files that are dropped, but none without a path', async () => {
    const text = '# comment\r\nfile:///a%20b.gguf\r\nvscode-remote://host/models/c\r\nhttps://example.org/d\r\n';
    await view.handleDrop(undefined, { get: () => ({ asString: async () => text }) } as never);
    assert.deepEqual(dropped, ['/a b.gguf', '/models/c']);
  });

  it('a listing that fails says why', async () => {
    window.respond = () => new Error('No program.');
    await window.list.refresh();
    assert.equal(window.list.problem, 'No program.');
    assert.ok(window.calls.includes('setContext airgap.modelsFailed true'));
  });
});

describe('progress in bytes', () => {
  it('says amount, rate and time left once there is a rate, and adds up to the whole', () => {
    const bytes = new ByteProgress();
    const at = (ms: number, doneBytes: number, step = 'download') =>
      bytes.update({ step, doneBytes, totalBytes: 1e9 }, ms);
    assert.deepEqual(at(0, 1e8), { message: 'download · 100 MB of 1.0 GB', increment: 10 });
    assert.deepEqual(at(2000, 3e8), { message: 'download · 300 MB of 1.0 GB · 100 MB/s · 7 s left', increment: 20 });
    assert.equal(at(20_000, 3.5e8).message, 'download · 350 MB of 1.0 GB');
    assert.deepEqual(at(21_000, 0, 'check'), { message: 'check · 0 B of 1.0 GB', increment: 0 });
  });
});
