import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type * as vscode from 'vscode';
import { Retrieval } from '../../../extension/retrieval/vscode/retrieval.ts';
import { readSettings } from '../../../extension/settings.ts';
import { EventEmitter, fake, log, Uri, window, workspace } from '../../support/extension/vscodeStub.ts';

describe('search in the project, in the host', function () {
  this.timeout(60_000);
  let top: string;
  let retrieval: Retrieval | undefined;
  const watched = new EventEmitter<Uri>();
  const trusted = new EventEmitter<void>();
  const told: string[] = [];
  // Some of the workspace's properties are getters.
  const kept = { workspace: Object.getOwnPropertyDescriptors(workspace), window: { ...window } };
  const none = () => ({ dispose() {} });
  const search = (query: string) => retrieval!.search(query, { limit: 5, signal: new AbortController().signal });
  const symbols = async (query: string) => (await search(query)).map(({ symbol }) => symbol);

  beforeEach(() => {
    assert.ok(existsSync('dist/indexer.cjs'), 'built by npm run build');
    top = mkdtempSync(join(tmpdir(), 'airgap-host-'));
    mkdirSync(join(top, 'project'));
    write('pay.ts', 'payInvoice');
    told.length = 0;
    Object.assign(workspace, {
      isTrusted: true,
      workspaceFolders: [{ uri: Uri.file(join(top, 'project')), name: 'project', index: 0 }],
      onDidGrantWorkspaceTrust: trusted.event,
      onDidChangeWorkspaceFolders: none,
      onDidSaveTextDocument: none,
      onDidDeleteFiles: none,
      onDidRenameFiles: none,
      createFileSystemWatcher: () => ({
        onDidCreate: watched.event,
        onDidChange: none,
        onDidDelete: none,
        dispose() {},
      }),
    });
    Object.assign(window, {
      showWarningMessage: (message: string) => Promise.resolve(void told.push(message)),
      withProgress: (_: unknown, task: () => Promise<void>) => task(),
    });
  });
  afterEach(() => {
    retrieval?.dispose();
    retrieval = undefined;
    fake.settings = {};
    Object.defineProperties(workspace, kept.workspace);
    Object.assign(window, kept.window);
    rmSync(top, { recursive: true });
  });

  function write(path: string, name: string): void {
    writeFileSync(join(top, 'project', path), `export function ${name}() {\n  return 1;\n}\n`);
  }

  function make(options: { isEnabled?: boolean; programFolder?: string } = {}): Retrieval {
    const { settings } = readSettings((key) => (key === 'index.enable' ? options.isEnabled : undefined));
    return (retrieval = new Retrieval({
      programFolder: options.programFolder ?? resolve('dist'),
      storageUri: Uri.file(join(top, 'storage')) as unknown as vscode.Uri,
      settings: () => settings,
      log: log as unknown as vscode.LogOutputChannel,
    }));
  }

  const refused: [why: string, prepare: () => void, sentence: RegExp][] = [
    [
      'not trusted',
      () => Object.assign(workspace, { isTrusted: false }),
      /^The project can only be searched in a trusted/,
    ],
    ['without a folder', () => Object.assign(workspace, { workspaceFolders: undefined }), /^There is no folder/],
  ];
  for (const [why, prepare, sentence] of refused) {
    it(`${why}: one sentence, and nothing is read`, async () => {
      prepare();
      make();
      await assert.rejects(search('pay'), { message: sentence });
      await retrieval!.rebuild();
      assert.match(told[0]!, sentence);
      assert.ok(!existsSync(join(top, 'storage')));
    });
  }

  it('turned off: the sentence names the setting', async () => {
    make({ isEnabled: false });
    await assert.rejects(search('pay'), { message: /turned off by the setting airgap\.index\.enable/ });
  });

  it('waits for the first build, and says so meanwhile', async () => {
    for (let i = 0; i < 300; i++) write(`f${i}.ts`, `worker${i}`);
    make();
    const said: string[] = [];
    retrieval!.onDidChangeStatus(() => said.push(retrieval!.status));
    const [hit] = await search('payInvoice');
    assert.deepEqual([hit!.path, hit!.firstLine, hit!.uri.endsWith('/project/pay.ts')], ['pay.ts', 1, true]);
    assert.match(said[0]!, /^Indexing: 0 of 301 files$/);
    assert.deepEqual([said.at(-1), retrieval!.status], ['', '']);
  });

  it('a question can be given up while the index is built', async () => {
    make();
    const stop = new AbortController();
    const asked = retrieval!.search('pay', { limit: 5, signal: stop.signal });
    stop.abort(new Error('stopped'));
    await assert.rejects(asked, /stopped/);
  });

  it('what the watcher tells of is found soon', async () => {
    make();
    await search('pay');
    write('refund.ts', 'refundInvoice');
    watched.fire(Uri.file(join(top, 'project', 'refund.ts')));
    for (const end = Date.now() + 10_000; !(await symbols('refundInvoice')).includes('refundInvoice');) {
      assert.ok(Date.now() < end, 'refund.ts is not found');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  it('rebuilding reads what nobody told of', async () => {
    make();
    await search('pay');
    write('refund.ts', 'refundInvoice');
    assert.ok(!(await symbols('refundInvoice')).includes('refundInvoice'));
    await retrieval!.rebuild();
    assert.equal((await symbols('refundInvoice'))[0], 'refundInvoice');
    assert.deepEqual(told, []);
  });

  it('other settings begin anew with their rules', async () => {
    make();
    await search('pay');
    fake.set({ 'files.exclude': { '**/pay.ts': true } });
    assert.deepEqual(await search('payInvoice'), []);
  });

  it('a crash is told once, and after the third one the log is named', async () => {
    writeFileSync(join(top, 'indexer.cjs'), `throw new Error('fell over');`);
    make({ programFolder: top });
    for (let i = 0; i < 3; i++)
      await assert.rejects(search('pay'), { message: /stopped during the search\. Try again/ });
    await assert.rejects(search('pay'), { message: /failed several times\. For details, run "Airgap: Show Log"/ });
    assert.deepEqual(told, ['The project index has failed. It will restart with the next search.']);
  });
});
