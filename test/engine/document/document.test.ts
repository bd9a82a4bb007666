import assert from 'node:assert/strict';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { completeInDocument, prefillInDocument } from '../../../engine/document/completeInDocument.ts';
import type { CompletingModel } from '../../../engine/document/completionModel.ts';
import type { ModelSession } from '../../../engine/inference/modelSession.ts';
import { DocumentSession } from '../../../engine/document/documentSession.ts';
import { Cancelled } from '../../../engine/errors.ts';
import { PrefillSpeed } from '../../../engine/document/prefillSpeed.ts';
import { PRIORITY, type Priority } from '../../../engine/inference/scheduler.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';
import { OutOfMemory } from '../../../kernels/ops.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';

const names = ['<|user|>', '<|assistant|>', '<|end|>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'];
const tokenizerFor = (specials: string[], config: object) =>
  createTokenizer({
    tokenizerJson: tinyTokenizerJson({ specials: specials.map((content) => ({ content })) }),
    tokenizerConfig: config,
  });
const chat = tokenizerFor(names.slice(0, 3), { chat_template: CHAT_TEMPLATE });
const fim = tokenizerFor(names, {});

/** A model that reads `tokensPerMs` and generates nothing. */
class FakeModel {
  readonly prompts: number[][] = [];
  /** Prompts that were prefilled ahead; `backgroundSessions` counts the sessions for this that are still open. */
  readonly read: number[][] = [];
  backgroundSessions = 0;
  failing: Error[] = [];
  readMs = 0;
  kept = 0;
  diskFull = false;

  readonly #tokensPerMs: number;

  constructor(tokensPerMs: number) {
    this.#tokensPerMs = tokensPerMs;
  }

  readonly createSession = (priority: Priority = PRIORITY.completion): ModelSession => {
    const ending = new AbortController();
    if (priority === PRIORITY.background) this.backgroundSessions++;
    return {
      generate: ({ ids: prompt }) => {
        this.prompts.push([...prompt]);
        const error = this.failing.shift();
        const tokensPrefilled = prompt.length;
        const none = { stop: 'end' as const, tokensReused: 0, tokensGenerated: 0, decodeMs: 0 };
        const speculation = { passes: 1, tokensDrafted: 0, tokensAccepted: 0 };
        return {
          stats: { ...none, ...speculation, tokensPrefilled, prefillMs: tokensPrefilled / this.#tokensPerMs },
          async *[Symbol.asyncIterator]() {
            if (error) throw error;
            yield* [];
          },
        };
      },
      run: () => assert.fail('not used'),
      prefill: async ({ ids: tokens }, { signal }) => {
        const either = AbortSignal.any([ending.signal, ...(signal ? [signal] : [])]);
        await delay(this.readMs, undefined, { signal: either }).catch(() => {
          throw new Cancelled();
        });
        const error = this.failing.shift();
        if (error) throw error;
        this.read.push([...tokens]);
        return { computed: this.read.length === 1 ? tokens.length : tokens.length * 0.3 };
      },
      tokens: [],
      saveToDisk: async () => {
        if (this.diskFull) throw new Error('ENOSPC');
        this.kept++;
        return true;
      },
      dispose: async () => {
        ending.abort();
        if (priority === PRIORITY.background) this.backgroundSessions--;
      },
    };
  };
}

const line = (i: number): string => `  const value${i} = compute(${i});\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => line(from + i)).join('');

interface Options {
  tokensPerMs?: number;
  contextLength?: number;
  tokensFree?: () => number;
  afterPause?: (run: () => void) => () => void;
  tokenizer?: typeof chat;
  log?: (message: string) => void;
}

/** A document of which a person asks for completions. */
function open(options: Options = {}) {
  const { tokensPerMs = 100, contextLength = 32_768, tokenizer = chat, ...backgroundOptions } = options;
  const fake = new FakeModel(tokensPerMs);
  const document = new DocumentSession(fake, new PrefillSpeed(), { afterPause: () => () => {}, ...backgroundOptions });
  const reading: boolean[] = [];
  document.backgroundPrefill.onActive = (active) => reading.push(active);
  const config = { fimOrder: 'spm', longRope: null, originalMaxPositions: 32_768 };
  const model = {
    tokenizer,
    info: { name: 'm', contextLength },
    config,
  } as unknown as CompletingModel;
  const type = async (prefix: string, suffix: string) => {
    const result = await completeInDocument(model, document, at(prefix, suffix), never);
    return { ...result, text: tokenizer.decode(fake.prompts.at(-1)!, { specials: true }), ids: fake.prompts.at(-1)! };
  };
  const ahead = (prefix: string, suffix: string, signal = never) =>
    prefillInDocument(model, document, at(prefix, suffix), signal);
  return { fake, document, reading, type, ahead };
}

const never = new AbortController().signal;
const at = (prefix: string, suffix: string) =>
  ({ fileName: 'a.ts', languageId: 'typescript', prefix, suffix, maxTokens: 8, multiline: 'auto' }) as const;

const common = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((id, i) => id !== b[i]);
  return at < 0 ? a.length : at;
};

describe('a document of a chat model', () => {
  const [above, below] = [lines(0, 150), `\n${lines(150, 300)}`];

  it('is completed with a short prompt first, and with the whole file once it was read in a pause', async () => {
    const { type, document, reading, fake } = open();
    const first = await type(`${above}let x = 9`, below);
    assert.ok(!first.text.includes('compute(290)') && !first.text.includes('compute(3);'));
    assert.ok(first.seen.lines.length === 1 && first.seen.lines[0]![0] > 1 && first.seen.lines[0]![1] < 200);
    assert.deepEqual(reading, []);
    await document.backgroundPrefill.runNow();
    assert.deepEqual(reading, [true, false]);
    const second = await type(`${above}let x = 99`, below);
    assert.ok(second.text.includes('compute(290)') && second.text.includes('compute(3);'));
    assert.deepEqual(second.seen, { lines: [[1, 302]], totalLines: 302 });
    assert.match(
      second.text,
      /^<\|user\|>\nThis is the file a\.ts as it was a moment ago:\n<file>\n  const value0 = [^]*\n<\/file>\nAround the cursor it now reads as follows\. Write the code [^\n]*\n(<before>\n[^]*\n<\/before>\n)?<after>\n[^]*\n<\/after><\|end\|>\n<\|assistant\|>\n```typescript\n[^]*let x = 99$/,
    );
    assert.ok(common(second.ids, fake.read[0]!) >= fake.read[0]!.length - 1, 'all but what was typed was read ahead');
    await document.dispose();
  });

  it('keeps the snapshot while the user edits near the cursor, anywhere in the file', async () => {
    const { type, document, fake } = open();
    await type(`${above}let x = 9`, below);
    await document.backgroundPrefill.runNow();
    const start = (await type(`${above}let x = 9`, below)).ids;
    for (const cut of [10, 100, 140]) {
      const edited = await type(`${lines(0, cut)}  added9`, `\n${lines(cut, 150)}${below}`);
      assert.ok(common(edited.ids, start) > 7000, `${common(edited.ids, start)} tokens in common`);
      assert.ok(edited.ids.length - common(edited.ids, start) < 800);
      await document.backgroundPrefill.runNow();
    }
    assert.equal(fake.read.length, 1, 'small edits are not worth reading the file again');
    await document.dispose();
  });

  it('does not read a file anew in each pause where the context holds a part of it, however fast the model', async () => {
    const { type, document, fake } = open({ contextLength: 4096 });
    for (const letters of ['9', '99', '999']) {
      await type(`${above}let x = ${letters}`, below);
      await document.backgroundPrefill.runNow();
    }
    assert.equal(fake.read.length, 1);
    await document.dispose();
  });

  it('reads at most what half of the free memory holds, its own included', async () => {
    let free = 6000;
    const { type, document, fake } = open({ tokensFree: () => free });
    await type(`${above}let x = 9`, below);
    await document.backgroundPrefill.runNow();
    const { room, ids } = document.backgroundPrefill.snapshot!;
    assert.ok(ids.length > 1000 && ids.length <= 3000, `${ids.length} tokens`);
    free -= ids.length;
    await type(`${lines(0, 75)}${lines(1000, 1040)}${lines(75, 299)}let y = 9`, '\n');
    await document.backgroundPrefill.runNow();
    assert.deepEqual([room, document.backgroundPrefill.snapshot!.room, fake.read.length], [3000, 3000, 2]);
    await document.dispose();
  });

  it('reads again from the first change where much has changed away from the cursor', async () => {
    const { type, document, fake, reading } = open();
    await type(`${above}let x = 9`, below);
    await document.backgroundPrefill.runNow();
    await type(`${lines(0, 75)}${lines(1000, 1040)}${lines(75, 299)}let y = 9`, '\n');
    await document.backgroundPrefill.runNow();
    assert.equal(fake.read.length, 2);
    const same = common(fake.read[0]!, fake.read[1]!);
    assert.ok(same > 1500 && same < 2500, `${same} tokens in common`);
    assert.deepEqual(reading, [true, false, true, false]);
    await document.dispose();
  });

  it('reads nothing where the short prompt holds the file, and nothing it has no time for', async () => {
    for (const [tokensPerMs, prefix, suffix] of [
      [100, `${lines(0, 4)}let x = 9`, '\n'],
      [0.02, `${above}let x = 9`, below],
    ] as const) {
      const { type, document, fake } = open({ tokensPerMs });
      await type(prefix, suffix);
      await document.backgroundPrefill.runNow();
      assert.deepEqual(fake.read, []);
      await document.dispose();
    }
  });

  it('keeps on disk what it had to compute; where that fails, nothing else does', async () => {
    const logged: string[] = [];
    const { type, document, fake } = open({ log: (message) => logged.push(message) });
    await type(`${above}let x = 9`, below);
    await document.backgroundPrefill.runNow();
    await type(`${lines(0, 75)}${lines(1000, 1040)}${lines(75, 299)}let y = 9`, '\n');
    await document.backgroundPrefill.runNow();
    assert.deepEqual([fake.read.length, fake.kept, logged], [2, 1, []], 'the second time most was there');
    await document.dispose();
    const full = open({ log: (message) => logged.push(message) });
    full.fake.diskFull = true;
    await full.type(`${above}let x = 9`, below);
    await full.document.backgroundPrefill.runNow();
    assert.deepEqual(logged, ['The KV cache of a file was not written to disk: Error: ENOSPC']);
    assert.ok((await full.type(`${above}let x = 9`, below)).text.includes('compute(290)'));
    await full.document.dispose();
  });

  it('says which lines it had time for', async () => {
    const { type, document } = open({ tokensPerMs: 0.2 });
    await type(`${above}let x = 9`, below);
    await document.backgroundPrefill.runNow();
    const { seen } = await type(`${above}let x = 9`, below);
    assert.equal(seen.totalLines, 302);
    assert.ok(seen.lines[0]![0] === 1 && seen.lines.at(-1)![1] < 302, JSON.stringify(seen));
    await document.dispose();
  });

  it('waits for a pause; another key moves it', async () => {
    const waiting = new Set<() => void>();
    const afterPause = (run: () => void) => {
      waiting.add(run);
      return () => void waiting.delete(run);
    };
    const { type, document, fake } = open({ afterPause });
    for (let key = 0; key < 6; key++) {
      await type(`${above}let x = ${'9'.repeat(key)}`, below);
      assert.equal(waiting.size, 1);
    }
    assert.equal(fake.read.length, 0);
    waiting.forEach((run) => run());
    while (fake.read.length === 0) await nextTurn();
    assert.equal(waiting.size, 0);
    await type(`${above}let x = 1`, below);
    await document.dispose();
    assert.equal(waiting.size, 0);
  });

  it('completions go on while it is read, and closing it ends the reading', async () => {
    const { type, document, fake, reading } = open();
    fake.readMs = 60_000;
    await type(`${above}let x = 9`, below);
    const read = document.backgroundPrefill.runNow();
    while (fake.backgroundSessions === 0) await nextTurn();
    const during = await type(`${above}let x = 99`, below);
    assert.ok(!during.text.includes('compute(290)'));
    await document.dispose();
    await read;
    assert.deepEqual([fake.read, fake.backgroundSessions], [[], 0]);
    assert.deepEqual(reading, [true, false], 'nobody is told for ever that it is read');
  });

  it('gives up what it has read where memory runs out, and then reads less', async () => {
    const { type, document, fake } = open();
    await type(`${above}let x = 9`, below);
    await document.backgroundPrefill.runNow();
    fake.failing = [new OutOfMemory(9, 'No room.')];
    const short = await type(`${above}let x = 99`, below);
    assert.ok(!short.text.includes('compute(290)'));
    assert.equal(fake.backgroundSessions, 0);
    await document.backgroundPrefill.runNow();
    assert.ok(fake.read[1]!.length < fake.read[0]!.length * 0.7);
    await document.dispose();
  });

  it('a reading that fails is no failure of a completion', async () => {
    const { type, document, fake, reading } = open();
    await type(`${above}let x = 9`, below);
    fake.failing = [new OutOfMemory(9, 'No room.')];
    await document.backgroundPrefill.runNow();
    assert.deepEqual([reading, fake.backgroundSessions], [[true, false], 0]);
    assert.ok((await type(`${above}let x = 9`, below)).ids.length < 4000);
    await assert.rejects(async () => {
      fake.failing = [new OutOfMemory(9, 'No room.')];
      await type(`${above}let x = 9`, below);
    }, OutOfMemory);
    await document.dispose();
  });
});

describe('a prompt that nobody waits for yet', () => {
  const [above, below] = [lines(0, 150), `\n${lines(150, 300)}`];

  it('is that of the completion, shows the snapshot, and tells how fast the model reads', async () => {
    const { type, ahead, document, fake } = open();
    await ahead(`${above}let x = 9`, below);
    assert.ok(document.backgroundPrefill.speed.tokensPerSecond > 0);
    const { ids } = await type(`${above}let x = 99`, below);
    assert.ok(common(ids, fake.read[0]!) >= fake.read[0]!.length - 8);
    await document.backgroundPrefill.runNow();
    await ahead(`${above}let x = 9`, below);
    assert.ok(common(fake.read[1]!, fake.read[2]!) > 7000);
    await document.dispose();
  });

  it('takes no memory from others, and is given up when it is no longer wanted', async () => {
    const { ahead, document, fake } = open();
    fake.failing = [new OutOfMemory(9, 'No room.')];
    assert.equal(await ahead(`${above}let x = 9`, below), 0);
    fake.readMs = 60_000;
    const abort = new AbortController();
    const reading = ahead(`${above}let x = 9`, below, abort.signal);
    abort.abort();
    await assert.rejects(reading, Cancelled);
    await document.dispose();
  });
});

describe('the speed of reading', () => {
  it('is that of the last prompts, and not of single tokens', () => {
    const speed = new PrefillSpeed();
    assert.equal(speed.tokensIn(20), 0);
    speed.add(3, 1000);
    assert.equal(speed.tokensIn(20), 0);
    speed.add(1000, 10_000); // Kernels were compiled.
    assert.equal(speed.tokensIn(1), 100);
    for (let i = 0; i < 5; i++) speed.add(1000, 1000);
    assert.ok(speed.tokensIn(1) > 800);
    speed.addInterrupted(1000, 60_000);
    assert.ok(speed.tokensIn(1) > 800, 'others were served meanwhile');
    speed.addInterrupted(4000, 1000);
    assert.ok(speed.tokensIn(1) > 2000);
  });

  it('that wavers does not change windows', () => {
    const speed = new PrefillSpeed();
    const seen = new Set<number>();
    for (const perSecond of [2100, 2000, 2200, 1900, 2050, 1500, 3000]) {
      for (let i = 0; i < 8; i++) speed.add(perSecond, 1000);
      seen.add(speed.steadyTokensIn(1));
    }
    assert.deepEqual([...seen], [2048]);
    for (let i = 0; i < 8; i++) speed.add(9000, 1000);
    assert.equal(speed.steadyTokensIn(1), 8192);
  });
});

describe('a document of a fill-in-the-middle model', () => {
  it('has larger windows where the model reads quickly, and is not read ahead', async () => {
    const [above, below] = [lines(0, 400), `\n${lines(400, 800)}`];
    const windows: number[] = [];
    for (const tokensPerMs of [0.1, 1, 20]) {
      const { type, document, fake } = open({ tokensPerMs, tokenizer: fim });
      await type(`${above}x = 9`, below);
      await document.backgroundPrefill.runNow();
      const { seen } = await type(`${above}x = 9`, below);
      windows.push(seen.lines[0]![1] - seen.lines[0]![0]);
      assert.deepEqual(fake.read, []);
      await document.dispose();
    }
    assert.ok(windows[0] === windows[1] && windows[2]! > 3 * windows[0]!, String(windows));
  });
});
