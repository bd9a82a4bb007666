import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { chooseModel } from '../../extension/chooseModel.ts';
import type { EngineState, Purpose } from '../../extension/engine/engine.ts';
import { readSettings } from '../../extension/settings.ts';
import { window } from '../support/extension/vscodeStub.ts';

interface Shown {
  labels: string[];
  dialog?: vscode.OpenDialogOptions;
  updates: [key: string, value: unknown][];
  calls: string[];
}

/** Runs the command; the user picks the first line whose label matches, and then `path`. */
async function choose(
  asked: unknown,
  line: RegExp,
  path: string | undefined,
  { stored = {}, kind = 'ready' }: { stored?: Record<string, string>; kind?: EngineState['kind'] } = {},
): Promise<Shown> {
  const shown: Shown = { labels: [], updates: [], calls: [] };
  const pickers = window as unknown as {
    showQuickPick(lines: { label: string }[]): Promise<unknown>;
    showOpenDialog(options: vscode.OpenDialogOptions): Promise<unknown>;
  };
  pickers.showQuickPick = async (lines) => {
    shown.labels = lines.map(({ label }) => label);
    return lines.find(({ label }) => line.test(label));
  };
  pickers.showOpenDialog = async (options) => {
    shown.dialog = options;
    return path === undefined ? undefined : [{ fsPath: path }];
  };
  const model = { state: { kind } };
  const host = {
    config: {
      settings: readSettings(
        (key) => stored[key],
        (key) => key in stored,
      ).settings,
      update: async (key: string, value: unknown) => void shown.updates.push([key, value]),
    },
    engine: {
      completionModel: model,
      chatModel: model,
      stop: () => shown.calls.push('stop'),
      warmUp: (purpose: Purpose) => shown.calls.push(`warm up ${purpose}`),
    },
  };
  await chooseModel(host as never, asked);
  return shown;
}

describe('the command that chooses a model', () => {
  it('asks what it is for, and whether it is a folder or a file', async () => {
    const { labels, dialog, updates } = await choose(undefined, /GGUF/, '/models/a.gguf');
    assert.deepEqual(labels, [
      '$(folder) For completions and the chat: a model folder…',
      '$(file) For completions and the chat: a GGUF file…',
      '$(folder) For the chat: a model folder…',
      '$(file) For the chat: a GGUF file…',
    ]);
    assert.deepEqual(
      [dialog!.canSelectFiles, dialog!.canSelectFolders, dialog!.filters],
      [true, false, { GGUF: ['gguf'] }],
    );
    assert.deepEqual(updates, [['completion.model', '/models/a.gguf']]);
  });

  it('asked by the chat, it sets the model of the chat alone', async () => {
    const { labels, dialog, updates, calls } = await choose('chat', /folder/, '/models/b');
    assert.equal(labels.length, 2);
    assert.deepEqual([dialog!.canSelectFiles, dialog!.canSelectFolders], [false, true]);
    assert.deepEqual([updates, calls], [[['chat.model', '/models/b']], []]);
  });

  it('says that completions alone change where the chat has a model of its own', async () => {
    const { labels } = await choose(undefined, /x/, undefined, { stored: { 'chat.model': '/models/b' } });
    assert.match(labels[0]!, /For completions: a model folder…$/);
  });

  it('begins where the model of now lies', async () => {
    const stored = { 'model.folder': '/models/old' };
    const { dialog } = await choose('completion', /folder/, undefined, { stored });
    assert.equal((dialog!.defaultUri as unknown as { path: string }).path, '/models');
  });

  it('a model that has failed is tried anew, even where the setting stays', async () => {
    const { calls } = await choose('chat', /GGUF/, '/models/b.gguf', { kind: 'failed' });
    assert.deepEqual(calls, ['stop', 'warm up chat']);
  });

  for (const [line, path] of [
    [/nothing/, '/models/a'],
    [/folder/, undefined],
  ] as const) {
    it(`${path === undefined ? 'no path' : 'no line'} picked: nothing changes`, async () => {
      const { updates, calls } = await choose('chat', line, path, { kind: 'failed' });
      assert.deepEqual([updates, calls], [[], []]);
    });
  }
});
