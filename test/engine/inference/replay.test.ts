/** Decoding gives the same logits, bit for bit, whether a step's program is replayed or recorded afresh. */
import assert from 'node:assert/strict';
import type { Output } from '../../../engine/inference/output.ts';
import { indexOfLargest } from '../../../engine/inference/sampler.ts';
import type { Sequence } from '../../../engine/inference/sequence.ts';
import type { Session } from '../../../engine/inference/session.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import type { KvDType } from '../../../kernels/ops.ts';
import { PRIORITY } from '../../../engine/inference/scheduler.ts';
import { TinySessions } from '../../support/engine/tinySessions.ts';
import { withWasm } from '../../support/withWasm.ts';

const TOKENS = 160;
const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 31 + 7) % 128);

/** A sequence that is decoded greedily; keeps all that was read back. */
class Decoding {
  readonly values: Float32Array[] = [];
  readonly #session: Session;
  readonly #sequence: Sequence;
  #newest = 0;

  private constructor(session: Session, sequence: Sequence) {
    this.#session = session;
    this.#sequence = sequence;
  }

  static async of(session: Session, prompt: readonly number[]): Promise<Decoding> {
    const decoding = new Decoding(session, await session.reuse(textPrompt(prompt)));
    await decoding.#extend([]);
    return decoding;
  }

  async next(output: Output = 'logits'): Promise<void> {
    await this.#extend([this.#newest], output);
  }

  /** Computes a draft, too, which is then refused. */
  async draft(): Promise<void> {
    const { length } = this.#sequence;
    await this.#extend([this.#newest, 5, 6], 'logits', 3);
    this.#sequence.truncate(length + 1);
  }

  /** A request that is cancelled before its step. */
  async cancel(): Promise<void> {
    const aborted = this.#session.extend(this.#sequence, [3], { output: 'logits', signal: AbortSignal.abort() });
    await assert.rejects(aborted, /^Cancelled/);
  }

  async #extend(added: readonly number[], output: Output = 'logits', last = 1): Promise<void> {
    const { values } = await this.#session.extend(this.#sequence, added, { output, last });
    this.values.push(values);
    this.#newest = output === 'argmax' ? values[0]! : indexOfLargest(values.subarray(0, 128));
  }
}

/** Two sequences in turn, the second of which shares pages of the first, over several borders of pages. */
async function decode(kv: KvDType, threads: number, isFresh: boolean): Promise<Float32Array[]> {
  return withWasm({ threads }, async (ops) => {
    const step = ops.step.bind(ops);
    if (isFresh) {
      ops.step = async (record) => {
        await step(() => ops.input(Float32Array.of(0), [1, 1])); // No step is like the one before.
        return step(record);
      };
    }
    const tiny = await TinySessions.create({ ops, kv, config: { max_position_embeddings: 512 } });
    const chat = await Decoding.of(tiny.session(PRIORITY.chat), ids(90));
    const completion = await Decoding.of(tiny.session(), ids(100));
    for (let i = 0; i < TOKENS; i++) {
      await chat.next();
      await (i % 40 < 30 ? completion.next() : completion.next('argmax'));
      if (i % 20 === 10) await chat.draft();
      if (i % 30 === 20) await chat.cancel();
    }
    for (let i = 0; i < TOKENS / 2; i++) await chat.next();
    assert.ok(isFresh ? ops.replays === 0 : ops.replays > TOKENS, `${ops.replays} steps were replayed`);
    return [...chat.values, ...completion.values];
  });
}

describe('a step that is replayed', function () {
  this.timeout(60_000);

  for (const kv of ['f32', 'f16', 'q8'] as const) {
    for (const threads of [1, 2]) {
      it(`KV ${kv}, ${threads} threads: computes what one that is recorded computes, bit for bit`, async () => {
        const [replayed, fresh] = [await decode(kv, threads, false), await decode(kv, threads, true)];
        assert.deepEqual(replayed, fresh);
      });
    }
  }
});
