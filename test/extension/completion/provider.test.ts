import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { GhostCache } from '../../../extension/completion/ghostCache.ts';
import { type CompletionHost, CompletionProvider } from '../../../extension/completion/provider.ts';
import type { CompletionModel } from '../../../extension/engine/engine.ts';
import { readSettings } from '../../../extension/settings.ts';
import { type DocumentOptions, textDocument } from '../../support/extension/textDocument.ts';
import {
  commands,
  fake,
  InlineCompletionTriggerKind,
  NotebookCellKind,
  Position,
  Range,
  window,
} from '../../support/extension/vscodeStub.ts';

type Request = Parameters<CompletionModel['complete']>[0];

interface Options extends DocumentOptions {
  answer?: string | Error;
  alternatives?: string[];
  otherFiles?: { path: string; text: string }[];
  settings?: Record<string, unknown>;
  host?: Partial<CompletionHost>;
  invoked?: boolean;
  selected?: { text: string; from: number };
  token?: vscode.CancellationToken;
  cache?: GhostCache;
}

/** A provider at `|`, and what the engine was asked. */
function setUp(marked: string, options: Options) {
  const { answer = 'bar', alternatives = [], otherFiles = [], settings = {}, host = {} } = options;
  const { document, position } = textDocument(marked, options);
  const asked: Request[] = [];
  const failures: unknown[] = [];
  const seen = { announced: 0, warmedUp: 0 };
  const engine: CompletionModel = {
    complete: async (request) => {
      asked.push(request);
      if (answer instanceof Error) throw answer;
      const none = { tokensReused: 0, tokensPrefilled: 0, tokensGenerated: 0, prefillMs: 0, decodeMs: 0 };
      return {
        text: answer,
        ...(request.alternatives && { alternatives }),
        stop: 'end',
        seen: { lines: [[1, 1]], totalLines: 1 },
        ...none,
      };
    },
    prefill: async (request) => asked.push(request),
    typing: () => seen.announced++,
  };
  const provider = new CompletionProvider(
    engine,
    options.cache ?? new GhostCache(),
    {
      settings: readSettings(
        (key) =>
          ({ 'completion.delayMs': 1, 'completion.newLineDelayMs': 1, ...settings })[key as 'completion.delayMs'],
      ).settings,
      awake: true,
      contextLength: 1024,
      inlineSuggestEnabled: () => true,
      warmUp: () => seen.warmedUp++,
      trace: () => {},
      failed: (error) => failures.push(error),
      ...host,
    },
    { of: () => otherFiles, found: async () => otherFiles },
  );
  return { provider, document, position, asked, failures, seen };
}

/** Asks the provider at `|`; gives the document as shown, ghost text in brackets, and what the engine was asked. */
async function show(marked: string, options: Options = {}) {
  const { invoked = false, selected, token = never } = options;
  const { provider, document, position, asked, failures, seen } = setUp(marked, options);
  const range = selected && new Range(new Position(position.line, selected.from), position as Position);
  const items = await provider.provideInlineCompletionItems(
    document,
    position,
    {
      triggerKind: invoked ? InlineCompletionTriggerKind.Invoke : InlineCompletionTriggerKind.Automatic,
      selectedCompletionInfo: selected && ({ text: selected.text, range } as vscode.SelectedCompletionInfo),
    },
    token,
  );
  const ghost = items[0]?.insertText;
  return {
    shown: ghost === undefined ? marked : marked.replace('|', `[${String(ghost)}]`),
    asked,
    announced: seen.announced,
    failures,
    items,
  };
}

/** The cursor rests at `|`; gives what the engine is to read ahead. */
async function rest(marked: string, options: Options = {}, signal = new AbortController().signal): Promise<Request[]> {
  const { provider, document, position, asked } = setUp(marked, options);
  await provider.prefill(document, position, signal);
  return asked;
}

const never = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };

describe('completion provider', () => {
  const cases: { name: string; marked: string; options?: Options; shown: string }[] = [
    { name: 'shows the answer', marked: 'foo|\nx', shown: 'foo[bar]\nx' },
    { name: 'nothing to say', marked: 'foo|', options: { answer: '' }, shown: 'foo|' },
    { name: 'language off', marked: 'foo|', options: { settings: { enable: { typescript: false } } }, shown: 'foo|' },
    { name: 'all off', marked: 'foo|', options: { settings: { enable: { '*': false } } }, shown: 'foo|' },
    {
      name: 'all off but this one',
      marked: 'foo|',
      options: { settings: { enable: { '*': false, typescript: true } } },
      shown: 'foo[bar]',
    },
    { name: 'snoozed', marked: 'foo|', options: { host: { awake: false } }, shown: 'foo|' },
    {
      name: 'inline suggestions off in VS Code',
      marked: 'foo|',
      options: { host: { inlineSuggestEnabled: () => false } },
      shown: 'foo|',
    },
    {
      name: 'inline suggestions off in VS Code, but asked for',
      marked: 'foo|',
      options: { host: { inlineSuggestEnabled: () => false }, invoked: true },
      shown: 'foo[bar]',
    },
    { name: 'manual', marked: 'foo|', options: { settings: { 'completion.trigger': 'manual' } }, shown: 'foo|' },
    {
      name: 'manual, asked for',
      marked: 'foo|',
      options: { settings: { 'completion.trigger': 'manual' }, invoked: true },
      shown: 'foo[bar]',
    },
    { name: 'untitled', marked: 'a|', options: { uri: 'untitled:Untitled-1' }, shown: 'a[bar]' },
    { name: 'remote', marked: 'a|', options: { uri: 'vscode-remote://ssh/p/a.ts' }, shown: 'a[bar]' },
    { name: 'virtual', marked: 'a|', options: { uri: 'vscode-vfs://github/p/a.ts' }, shown: 'a[bar]' },
    { name: 'notebook cell', marked: 'a|', options: { uri: 'vscode-notebook-cell:/p/a.ipynb#1' }, shown: 'a[bar]' },
    { name: 'output panel', marked: 'a|', options: { uri: 'output:Log' }, shown: 'a|' },
    { name: 'commit message', marked: 'a|', options: { uri: 'vscode-scm:git/scm0/input' }, shown: 'a|' },
    { name: 'debug console', marked: 'a|', options: { uri: 'debug:replinput' }, shown: 'a|' },
    { name: 'secrets', marked: 'KEY=|', options: { uri: 'file:///p/.env' }, shown: 'KEY=|' },
    { name: 'more secrets', marked: 'KEY=|', options: { uri: 'file:///p/.env.local' }, shown: 'KEY=|' },
    {
      name: 'secrets allowed',
      marked: 'KEY=|',
      options: { uri: 'file:///p/.env', settings: { 'files.exclude': [] } },
      shown: 'KEY=[bar]',
    },
    {
      name: 'continues the entry selected in the suggest widget',
      marked: 'x.con|',
      options: { selected: { text: 'concat', from: 2 }, answer: '(y)' },
      shown: 'x.con[concat(y)]',
    },
    {
      name: 'the selected entry does not begin with what was typed',
      marked: 'x.cnt|',
      options: { selected: { text: 'concat', from: 2 } },
      shown: 'x.cnt|',
    },
  ];
  for (const { name, marked, options, shown } of cases) {
    it(`${name}: ${shown.replaceAll('\n', '⏎')}`, async () => {
      const result = await show(marked, options);
      assert.equal(result.shown, shown);
      if (result.shown === marked && options?.answer !== '') assert.equal(result.asked.length, 0, 'engine asked');
      assert.deepEqual(result.failures, []);
      if (options?.invoked || options?.selected) return;
      assert.deepEqual(await rest(marked, options), result.asked, 'where the cursor rests, the same is read ahead');
      const { provider, document, seen } = setUp(marked, options ?? {});
      provider.warmUp(document);
      assert.equal(seen.warmedUp, result.asked.length, 'and the model is loaded');
    });
  }

  it('reads nothing ahead where the answer is known, and nothing once the cursor has moved on', async () => {
    const cache = new GhostCache();
    await show('foo|', { cache });
    assert.deepEqual(await rest('foo|', { cache }), []);
    assert.equal((await rest('foob|az', { cache })).length, 1);
    assert.deepEqual(await rest('foo|', {}, AbortSignal.abort()), []);
  });

  it('sends what stands around the cursor, with unix line ends', async () => {
    const { asked } = await show('a\r\nb|c\r\n', { uri: 'file:///p/x.rs', languageId: 'rust' });
    const { prefix, suffix, fileName, languageId, sessionId } = asked[0]!;
    const expected = {
      prefix: 'a\nb',
      suffix: 'c\n',
      fileName: 'x.rs',
      languageId: 'rust',
      sessionId: 'file:///p/x.rs',
    };
    assert.deepEqual({ prefix, suffix, fileName, languageId, sessionId }, expected);
  });

  it('of a notebook, the earlier cells of code stand in front', async () => {
    const cell = (text: string, uri: string, kind: number, languageId = 'python') => ({
      kind,
      document: { languageId, getText: () => text, uri: { toString: () => uri } },
    });
    const uri = 'vscode-notebook-cell:/p/a.ipynb#3';
    const { Code, Markup } = NotebookCellKind;
    const cells = [
      cell('import pandas as pd', 'x#1', Code),
      cell('# Prose', 'x#2', Markup, 'markdown'),
      cell('ls', 'x#4', Code, 'shellscript'),
      cell('frame = pd.read_csv("a.csv")', 'x#5', Code),
      cell('frame.gro', uri, Code),
      cell('later()', 'x#6', Code),
    ];
    fake.notebooks = [{ getCells: () => cells }];
    const { asked, shown } = await show('frame.gro|', { uri, languageId: 'python' });
    fake.notebooks = [];
    assert.equal(asked[0]!.prefix, 'import pandas as pd\n\nframe = pd.read_csv("a.csv")\n\nframe.gro');
    assert.equal(shown, 'frame.gro[bar]');
  });

  it('sends what other files declare', async () => {
    const otherFiles = [{ path: 'b.ts', text: 'export const b = 1;' }];
    assert.deepEqual((await show('foo|', { otherFiles })).asked[0]!.otherFiles, otherFiles);
  });

  it('asks for the text as it will be when the selected entry is accepted', async () => {
    const { asked } = await show('x.con|;', { selected: { text: 'concat', from: 2 } });
    assert.deepEqual([asked[0]!.prefix, asked[0]!.suffix], ['x.concat', ';']);
  });

  it('typing through the shown text asks nothing', async () => {
    const cache = new GhostCache();
    assert.equal((await show('foo|', { cache })).shown, 'foo[bar]');
    const next = await show('foob|', { cache });
    assert.equal(next.shown, 'foob[ar]');
    assert.equal(next.asked.length, 0);
  });

  it('asked for by hand, gives a choice, and typing through any of them asks nothing', async () => {
    const cache = new GhostCache();
    await show('foo|', { cache });
    const choice = { invoked: true, alternatives: ['baz', 'qux'], cache };
    const { items, asked } = await show('foo|', choice);
    assert.deepEqual(
      items.map(({ insertText }) => insertText),
      ['bar', 'baz', 'qux'],
    );
    assert.equal(asked[0]!.alternatives, 2);
    for (const [typed, rest] of ['[bar]', 'b[ar]', 'q[ux]'].map((shown) => [shown.split('[')[0]!, shown] as const)) {
      const next = await show(`foo${typed}|`, { cache });
      assert.deepEqual([next.shown, next.asked.length], [`foo${rest}`, 0]);
    }
    assert.equal((await show('fo|')).asked[0]!.alternatives, undefined);
  });

  const typedBefore = [
    { title: 'are answered once it is there', isDirty: true, settings: {}, triggered: 1 },
    { title: 'are none in a file without changes', isDirty: false, settings: {}, triggered: 0 },
    {
      title: 'are not answered where completions come by hand only',
      isDirty: true,
      settings: { 'completion.trigger': 'manual' },
      triggered: 0,
    },
  ];
  for (const { title, isDirty, settings, triggered } of typedBefore) {
    it(`keys typed before the extension was there ${title}`, async () => {
      const { provider, document, position, asked } = setUp('foo|', { settings });
      const ran: string[] = [];
      const { executeCommand } = commands;
      commands.executeCommand = async (id?: string) => void ran.push(String(id));
      window.activeTextEditor = { document: { ...document, isDirty } };
      try {
        await provider.catchUp();
      } finally {
        commands.executeCommand = executeCommand;
        window.activeTextEditor = undefined;
      }
      assert.equal(ran.filter((id) => id === 'editor.action.inlineSuggest.trigger').length, triggered);
      if (triggered === 0) return;
      // VS Code's request looks like one by hand; the first one counts as one behind a key, which gives no choice.
      const byHand = { triggerKind: InlineCompletionTriggerKind.Invoke, selectedCompletionInfo: undefined };
      for (let request = 0; request < 2; request++) {
        await provider.provideInlineCompletionItems(document, position, byHand, never);
      }
      const choices = asked.map(({ alternatives }) => alternatives);
      assert.deepEqual(choices, [undefined, 2]);
    });
  }

  it('an alternative may be shown where the likeliest text is not', async () => {
    const { items } = await show('foo|', { invoked: true, answer: '', alternatives: ['baz'] });
    assert.deepEqual(
      items.map(({ insertText }) => insertText),
      ['baz'],
    );
  });

  it('a failure reaches the status, and never the editor', async () => {
    const error = new Error('The engine process ended.');
    const { shown, failures } = await show('foo|', { answer: error });
    assert.equal(shown, 'foo|');
    assert.deepEqual(failures, [error]);
  });

  it('a request that another editor on the document has overtaken is no failure', async () => {
    const answer = new EngineFailure({ kind: 'cancelled', message: 'The call was cancelled.' });
    const { shown, failures } = await show('foo|', { answer });
    assert.deepEqual([shown, failures], ['foo|', []]);
  });

  it('tells the engine of a key at once, unless it has to wait for long', async () => {
    const announcements = async (marked: string, options?: Options) => (await show(marked, options)).announced;
    assert.equal(await announcements('foo|'), 1);
    assert.equal(await announcements('foo|', { invoked: true }), 0);
    assert.equal(await announcements('foo|\n', { settings: { 'completion.newLineDelayMs': 151 } }), 1);
    assert.equal(await announcements('foo\n|', { settings: { 'completion.newLineDelayMs': 151 } }), 0);
  });

  it('of a large document, only what stands near the cursor is read', async () => {
    const { asked } = await show(`${'let a;\n'.repeat(50_000)}foo|${'\nlet b;'.repeat(50_000)}`);
    const { prefix, suffix } = asked[0]!;
    assert.ok(prefix.startsWith('let a;\n') && prefix.endsWith('\nfoo') && prefix.length <= 64_000);
    assert.ok(suffix.startsWith('\nlet b;') && suffix.length === 16_000);
  });

  it('says how many lines of a large document it does not send', async () => {
    const { asked } = await show(`${'let a;\n'.repeat(50_000)}foo|${'\nlet b;'.repeat(50_000)}`);
    const { prefix, suffix, linesBefore, linesAfter } = asked[0]!;
    const sentLines = `${prefix}${suffix}`.split('\n').length;
    assert.equal(linesBefore! + sentLines + linesAfter!, 100_001);
    assert.equal(linesBefore, 50_000 - (prefix.split('\n').length - 1));
    const small = await show('a\nfoo|\nb');
    assert.deepEqual([small.asked[0]!.linesBefore, small.asked[0]!.linesAfter], [0, 0]);
  });

  it('sends all that the window of a large model can hold', async () => {
    const document = `${'let a;\n'.repeat(20_000)}foo|${'\nlet b;'.repeat(20_000)}`;
    const { asked } = await show(document, { host: { contextLength: 131_072 } });
    assert.equal(asked[0]!.prefix.length + asked[0]!.suffix.length, document.length - 1);
  });

  it('a key during the delay asks nothing and is no failure', async () => {
    let cancel = (): void => {};
    let cancelled = false;
    const token = {
      get isCancellationRequested() {
        return cancelled;
      },
      onCancellationRequested: (listener: () => void) => {
        cancel = listener;
        return { dispose() {} };
      },
    } as unknown as vscode.CancellationToken;
    const shown = show('foo|', { settings: { 'completion.delayMs': 10_000 }, token });
    await new Promise(setImmediate);
    cancelled = true;
    cancel();
    const { asked, failures } = await shown;
    assert.deepEqual([asked, failures], [[], []]);
  });
});
