import assert from 'node:assert/strict';
import type { GpuOps, TunedShape, Tuning } from '../../../kernels/gpu/gpuOps.ts';
import { secondsBetween } from '../../../kernels/gpu/device/timestamps.ts';
import { type AttentionKind, attentionKey } from '../../../kernels/gpu/attention/choice.ts';
import {
  ATTENTION,
  type AttentionVariant,
  type DecodeVariant,
  type Phase,
} from '../../../kernels/gpu/attention/variants.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import type { Variant } from '../../../kernels/gpu/variants/variant.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { randomValues } from '../../support/random.ts';
import { makeWeight } from '../../support/weights.ts';

describe('the tuner of the products on webgpu', function () {
  this.timeout(120_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  /** Ends behind the first shape. */
  async function tuneOne(): Promise<TunedShape & Pick<Tuning, 'verdicts'>> {
    const end = new AbortController();
    const { shapes, verdicts } = await ops.tune({ mostSeconds: 1000, signal: end.signal, onShape: () => end.abort() });
    return { ...shapes[0]!, verdicts };
  }

  it('times every variant that is right, runs its choice from then on, holds nothing, and ends when told to', async () => {
    const weights = [1, 2].map((seed) => makeWeight(ops, randomValues(seed, 96 * 64), [96, 64], 'q8'));
    await Promise.all(weights);
    const weightBytes = ops.bytesHeld;
    const end = new AbortController();
    const shapes: TunedShape[] = [];
    const onShape = (shape: TunedShape): void => {
      shapes.push(shape);
      end.abort();
    };
    const { dispatches } = ops;
    const tuning = await ops.tune({ mostSeconds: 1000, signal: end.signal, onShape });
    const { verdicts, seconds } = tuning;
    assert.deepEqual(tuning, { shapes, verdicts, complete: false, seconds, timedByGpu: 1 });
    const [{ key, times, chosen }] = shapes as [TunedShape];
    assert.equal(key, 'one row x 64 x 96 q8');
    const offered = ops.variants.candidates('matvec', 'q8').map(({ name }) => name);
    assert.deepEqual(verdicts, Object.fromEntries(offered.slice(1).map((name) => [`matvec q8 ${name}`, ''])));
    assert.deepEqual(times.map(({ variant }) => variant).sort(), offered.toSorted());
    assert.equal((shapes[0] as TunedShape).isOther, chosen !== offered[0]);
    assert.ok(times.every(({ seconds }, i) => seconds > 0 && seconds >= (times[i - 1]?.seconds ?? 0)));
    // Each of the products that a run of 8 ms counts was computed.
    assert.ok(ops.dispatches - dispatches > 0.008 / times[0]!.seconds);
    assert.equal(ops.variants.of(1, 'q8', [96, 64]).name, chosen);
    assert.equal(ops.variants.of(1, 'q4', [96, 64]), VARIANTS.matvec[0]);
    for (const weight of weights) ops.free(await weight);
    assert.ok(ops.bytesHeld < weightBytes + 2 ** 20);
    assert.deepEqual((await ops.tune({ mostSeconds: 1000 })).shapes, []); // No weights are left.
  });

  it('starts nothing once its time is up', async () => {
    const weight = await makeWeight(ops, randomValues(1, 96 * 64), [96, 64], 'q8');
    const { shapes, complete } = await ops.tune({ mostSeconds: 0 });
    assert.deepEqual({ shapes, complete }, { shapes: [], complete: false });
    ops.free(weight);
  });

  for (const baselineOnly of [false, true]) {
    const clock = baselineOnly ? "the host's clock alone where it has none" : "a GPU's timestamps where it has them";
    for (const cut of [false, true]) {
      it(`times a step by ${clock}${cut ? ', in several submissions' : ''}`, async function () {
        const timed = await gpuOrSkip(this, { baselineOnly });
        try {
          const weight = await makeWeight(timed, randomValues(1, 512 * 512), [512, 512], 'q8');
          if (cut) Object.defineProperty(timed.budget, 'submissionMacs', { value: () => 1 });
          const { submissions } = timed;
          const { values, hostSeconds, gpuSeconds } = await timed.timedStep(() => {
            const x = timed.input(randomValues(2, 16 * 512), [16, 512]);
            const y = [1, 2, 3].reduce((y) => timed.linear(y, weight), x);
            return timed.lastRows(y, 8);
          });
          assert.equal(values.length, 8 * 512);
          assert.equal(timed.submissions > submissions + 2, cut);
          const hasStamps = timed.device.features.has('timestamp-query');
          assert.ok(!(baselineOnly && hasStamps));
          // On a card, so little may end before its clock goes on.
          if (!hasStamps || timed.isSoftware) assert.equal(gpuSeconds !== undefined, hasStamps);
          assert.ok(hostSeconds > 0 && !(gpuSeconds! > hostSeconds));
        } finally {
          await timed.dispose();
        }
      });
    }
  }

  for (const [what, begin, end, seconds] of [
    ['plausible', 1_000_000n, 5_000_000n, 0.004],
    ['equal', 5n, 5n, undefined],
    ['all zero', 0n, 0n, undefined],
    ['backward', 5_000_000n, 1_000_000n, undefined],
    ['further apart than the host waited', 0n, 2_000_000_000n, undefined],
  ] as const) {
    it(`timestamps that are ${what} ${seconds ? 'tell a time' : 'are not believed'}`, () => {
      assert.equal(secondsBetween(new BigUint64Array([begin, end]).buffer, 1), seconds);
    });
  }

  it('never chooses a variant that is wrong, however fast, and says so', async () => {
    const [plain] = VARIANTS.matvec;
    const wrong: Variant = {
      ...plain!,
      name: 'wrong',
      kernel: (dtype, rows) => {
        const kernel = plain!.kernel(dtype, rows);
        return { ...kernel, source: kernel.source.replace(/fn main\([^{]*\{/, '$& if (true) { return; }') };
      },
    };
    const weight = await makeWeight(ops, randomValues(1, 96 * 64), [96, 64], 'q4');
    const { variants } = ops;
    const { candidates } = variants;
    Object.assign(variants, { candidates: () => [plain!, wrong] });
    try {
      const { chosen, times, verdicts } = await tuneOne();
      assert.equal(chosen, plain!.name);
      assert.deepEqual(
        times.map(({ variant }) => variant),
        [plain!.name],
      );
      assert.match(verdicts['matvec q4 wrong']!, /^The matvec "wrong" is not used for q4: with 1 rows it gives /);
    } finally {
      Object.assign(variants, { candidates });
      ops.free(weight);
    }
  });

  describe('of attention', () => {
    const SHAPE = { heads: 4, kvHeads: 2, headDim: 32 } as const;
    const kind = (phase: Phase, isLong: boolean): AttentionKind => {
      return { ...SHAPE, phase, dtype: 'f16', sparsity: undefined, isLong };
    };
    const options = { ...SHAPE, scale: 1, window: 100 };

    /** A step of so many tokens, of which later tuning knows. */
    async function attend(tokens: number): Promise<void> {
      const pool = ops.createKvPool({ layers: 1, ...SHAPE, dtype: 'f16' });
      await pool.grow(1);
      const q = new Float32Array(tokens * 128);
      await ops.step(() => ops.attention(ops.input(q, [tokens, 128]), { pool, pages: [0], length: 0 }, 0, options));
      pool.dispose();
    }

    async function withCandidates(
      candidates: (kind: AttentionKind) => readonly AttentionVariant[],
      work: () => Promise<void>,
      asked?: readonly AttentionKind[],
    ): Promise<void> {
      const { attention } = ops.variants;
      Object.defineProperty(attention, 'candidates', { value: candidates, configurable: true });
      if (asked) Object.defineProperty(attention, 'asked', { value: asked, configurable: true });
      try {
        await work();
      } finally {
        for (const name of ['candidates', 'asked']) Reflect.deleteProperty(attention, name);
      }
    }

    it('chooses for the kinds that steps have computed: prefill, and decode in a short and in a long context', async () => {
      const { attention } = ops.variants;
      for (const tokens of [8, 1]) await attend(tokens);
      const kinds = [kind('prefill', false), kind('decode', false), kind('decode', true)];
      const two = ({ phase }: AttentionKind) => ATTENTION[phase].slice(0, 2);
      await withCandidates(two, async () => {
        const { shapes, verdicts, complete } = await ops.tune({ mostSeconds: 1000, onlyMissing: true });
        assert.ok(complete);
        assert.deepEqual(
          shapes.map(({ key }) => key),
          kinds.map(attentionKey),
        );
        for (const [i, { chosen, times }] of shapes.entries())
          assert.deepEqual([times.length, attention.of(kinds[i]!).name], [2, chosen]);
        assert.deepEqual(Object.values(verdicts), ['', '']);
        assert.deepEqual((await ops.tune({ mostSeconds: 1000, onlyMissing: true })).shapes, []);
      });
    });

    it('never chooses a variant that is wrong or does not compile', async () => {
      const [plain] = ATTENTION.decode;
      const broken = (name: string, change: (source: string) => string): DecodeVariant => ({
        ...plain!,
        name,
        kernel: (constants, ways) => {
          const kernel = plain!.kernel(constants, ways);
          return { ...kernel, source: change(kernel.source) };
        },
      });
      const changed = [
        broken('wrong', (source) => source.replace(/fn main\([^{]*\{/, '$& if (true) { return; }')),
        broken('refused', (source) => `${source}\nthis is no WGSL`),
      ];
      await withCandidates(
        () => [plain!, ...changed],
        async () => {
          const { shapes, verdicts } = await ops.tune({ mostSeconds: 1000 });
          for (const { chosen, times } of shapes) assert.deepEqual([chosen, times.length], [plain!.name, 1]);
          assert.equal(shapes.length, 2);
          assert.deepEqual(
            Object.entries(verdicts).map(([, verdict]) =>
              verdict.replace(/ is not used .* (instead of|compile)\b.*/, ' $1'),
            ),
            ['"wrong" instead of', '"refused" compile'],
          );
        },
        [kind('decode', false)],
      );
    });
  });

  it('ends a trial that has begun although its time is up, and goes on behind it the next time', async () => {
    const weight = await makeWeight(ops, randomValues(1, 96 * 64), [96, 64], 'q5m');
    const tried: string[][] = [];
    for (let load = 0; load < 2; load++) {
      const { verdicts } = await ops.tune({ mostSeconds: 0.005 });
      tried.push(Object.keys(verdicts));
    }
    assert.ok(tried.every(({ length }) => length > 0));
    assert.equal(new Set(tried.flat()).size, tried.flat().length, 'one was tried twice');
    ops.free(weight);
  });

  it('takes what was kept, and leaves out what it does not know', () => {
    const [, second] = VARIANTS.matmul;
    ops.variants.chooseKept({
      'many rows x 32 x 8 q4': second!.name,
      'one row x 32 x 8 q4': 'a variant of another version',
    });
    assert.equal(ops.variants.of(9, 'q4', [8, 32]), second);
    assert.equal(ops.variants.of(1, 'q4', [8, 32]), VARIANTS.matvec[0]);
  });
});
