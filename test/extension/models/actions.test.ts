import assert from 'node:assert/strict';
import { forgetToken } from '../../../extension/models/downloadModel.ts';
import { importModel, importPath } from '../../../extension/models/importModel.ts';
import { benchmark, remove, reveal, verify } from '../../../extension/models/modelActions.ts';
import { listedModel } from '../../support/extension/listedModel.ts';
import { ModelsWindow } from '../../support/extension/modelsWindow.ts';

const MODEL = listedModel({ name: 'phi', id: 'phi-1', path: '/store/phi', origin: 'packed' });

describe('commands about models', () => {
  let window: ModelsWindow;
  const reports: [string, string][] = [];

  beforeEach(() => {
    window = new ModelsWindow();
    window.respond = () => [MODEL];
  });
  const host = (): never =>
    ({
      ...window,
      report: { show: async (name: string, text: string) => void reports.push([name, text]) },
      secrets: { delete: async (name: string) => void window.calls.push(`forget ${name}`) },
    }) as never;

  it('imports what the user browses for, with its progress, and offers to use it', async () => {
    window.picks.push(/model folder/);
    window.path = '/models/phi';
    window.answer = /for the chat/;
    await importModel(host());
    assert.deepEqual(window.progress, ['Importing /models/phi: Reading · 1.0 GB of 4.0 GB']);
    assert.equal(window.messages[0], 'phi was imported. | Use for both | Use for completions | Use for the chat');
    await new Promise(setImmediate);
    assert.deepEqual(window.calls, [
      ...['airgap import /models/phi', 'airgap models', 'chat.model = /store/phi', 'warm up chat'],
    ]);
  });

  it('a cancelled import says nothing; one that fails is one sentence', async () => {
    window.cancels = true;
    await importPath(host(), '/models/phi');
    assert.deepEqual(window.messages, []);
    window.cancels = false;
    window.respond = () => new Error('The disk is full.');
    await assert.rejects(importPath(host(), '/models/phi'), { message: 'The disk is full.' });
  });

  for (const [title, stored, origin, question] of [
    [
      'files of the store are deleted',
      {},
      'packed',
      'Remove phi from the store? | Its files are deleted, which frees 2.4 GB. | Remove',
    ],
    [
      'files that lie elsewhere stay',
      {},
      'reference',
      'Remove phi from the store? | The files themselves stay where they are: /store/phi | Remove',
    ],
    [
      'it asks more where the model is in use',
      { 'completion.model': '/store/phi' },
      'packed',
      'Remove phi from the store? | Its files are deleted, which frees 2.4 GB.\n\nIt is in use for completions and chat. The default model takes its place. | Remove although in use',
    ],
    [
      'the chat then follows the completions, where they have another model',
      { 'completion.model': '/other', 'chat.model': '/store/phi' },
      'packed',
      'Remove phi from the store? | Its files are deleted, which frees 2.4 GB.\n\nIt is in use for chat. The model for completions takes its place. | Remove although in use',
    ],
  ] as [string, Record<string, string>, 'packed' | 'reference', string][]) {
    it(`remove: ${title}`, async () => {
      Object.assign(window.stored, stored);
      await remove(host(), { ...MODEL, origin });
      assert.deepEqual([window.messages, window.calls], [[question], []], 'without an answer nothing happens');
      window.answer = /^Remove/;
      await remove(host(), { ...MODEL, origin });
      const reset = Object.entries(stored).filter(([, path]) => path === '/store/phi');
      assert.deepEqual(
        window.calls.map((call) => call.replace(/^airgap models.*/, 'airgap models')),
        [...reset.map(([key]) => `${key} = `), 'airgap remove phi-1 --yes', 'airgap models'],
      );
    });
  }

  it('remove: a failure leaves the settings as they were', async () => {
    window.stored['chat.model'] = '/store/phi';
    window.answer = /^Remove/;
    window.respond = () => new Error('It is locked.');
    await assert.rejects(remove(host(), MODEL), { message: 'It is locked.' });
    assert.equal(window.stored['chat.model'], '/store/phi');
  });

  it('verifies by the id', async () => {
    await verify(host(), MODEL);
    assert.equal(window.calls[0], 'airgap verify phi-1');
    assert.deepEqual(window.messages, ['phi is as it was stored.']);
  });

  it('measures on the backend of the settings, and shows the figures', async () => {
    window.stored['engine.backend'] = 'wasm';
    await benchmark(host(), MODEL);
    assert.deepEqual(window.calls, ['airgap bench /store/phi --backend wasm']);
    assert.match(reports[0]!.join('\n'), /^phi\.md\n# phi\n[^]*```text\ndevice {2}a\n```/);
  });

  it('reveals the file, and forgets the token', async () => {
    await reveal(MODEL);
    await forgetToken(host());
    assert.deepEqual(window.calls, ['revealFileInOS file:///store/phi', 'forget airgap.download.token']);
  });
});
