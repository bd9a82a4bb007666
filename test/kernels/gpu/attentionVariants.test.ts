import assert from 'node:assert/strict';
import { attentionFaultOf } from '../../../kernels/gpu/attention/validity.ts';
import { ATTENTION, type DecodeVariant, type PrefillVariant } from '../../../kernels/gpu/attention/variants.ts';
import type { Kernel } from '../../../kernels/gpu/device/kernel.ts';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import type { KvDType } from '../../../kernels/ops.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { CASES } from '../../support/attention/table.ts';
import { describeAttentionVariants } from '../../support/attention/variants.ts';

/** Of the table, what differs most, each in one format. test/long/attentionVariants.test.ts has all of it. */
const FEW = [
  [{ headDim: 96, steps: [5, 1, 1, 3] }, 'f32'],
  [{ headDim: 128 }, 'q8'],
  [{ headDim: 48 }, 'f16'],
  [{ steps: [700, 1, 2] }, 'f16'],
  [{ steps: [139] }, 'f32'],
  [{ steps: [577] }, 'q8'],
] as const;

describeAttentionVariants(
  FEW.map(([wanted, dtype]) => {
    const shape = CASES.find((one) =>
      Object.entries(wanted).every(([name, value]) => String(one[name as keyof typeof one]) === String(value)),
    );
    return [shape!, dtype] as const;
  }),
);

const PHASES = ['decode', 'prefill'] as const;
const SHAPE = { heads: 6, kvHeads: 2, headDim: 32, isLong: false } as const;
const BLOCKS = { blockTokens: 32, localBlocks: 2, vertStride: 3, headStep: 1 };

describe('variants of attention on webgpu, on hard inputs', function () {
  this.timeout(120_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  const faultOf = (phase: 'decode' | 'prefill', variant: DecodeVariant | PrefillVariant, dtype: KvDType) =>
    attentionFaultOf(
      ops,
      { ...SHAPE, phase, dtype, sparsity: dtype === 'f16' ? BLOCKS : undefined },
      variant as DecodeVariant & PrefillVariant,
    );

  for (const phase of PHASES) {
    for (const variant of ATTENTION[phase]) {
      it(`${phase}, ${variant.name}: is right`, async function () {
        if (variant.needs.some((need) => !ops.variants.offered.has(need))) return this.skip();
        for (const dtype of ['f32', 'f16', 'q8'] as const)
          assert.equal(await faultOf(phase, variant, dtype), undefined);
      });
    }
  }

  const changed = (change: (source: string) => string): [DecodeVariant, PrefillVariant] => {
    const { decode, prefill } = { decode: ATTENTION.decode[0]!, prefill: ATTENTION.prefill[0]! };
    const of = (kernel: Kernel): Kernel => ({ ...kernel, source: change(kernel.source) });
    return [
      { ...decode, name: 'changed', kernel: (constants, ways) => of(decode.kernel(constants, ways)) },
      { ...prefill, name: 'changed', kernel: (constants) => of(prefill.kernel(constants)) },
    ];
  };
  const faults: readonly (readonly [what: string, change: (source: string) => string, said: RegExp])[] = [
    ['loses the last quads of a key', (source) => source.replace(/i < QUADS \/ 2/g, 'i < QUADS / 2 - 1'), /instead of/],
    [
      'loses a key',
      (source) => source.replace('let low = max(first, start)', 'let low = 1 + max(first, start)'),
      /instead of/,
    ],
    [
      'forgets to shrink',
      (source) =>
        source.replace('mix *= shrink;', '').replace('mix[i] *= shrink', 'mix[i] *= 0.0 * shrink[0] + 1.0; _ = shrink'),
      /instead of/,
    ],
    ['does not compile', (source) => `${source}\nthis is no WGSL`, /it does not compile here/],
  ];
  for (const [what, change, said] of faults) {
    it(`one that ${what} is dropped with a sentence`, async () => {
      for (const [i, variant] of changed(change).entries()) {
        const fault = await faultOf(PHASES[i]!, variant, 'f32');
        assert.match(fault ?? 'none', /^"changed" is not used for attention, (decode|prefill), 6 \/ 2 x 32 f32/);
        assert.match(fault!, said);
      }
      const y = await ops.step(() => ops.input(Float32Array.of(1, 2), [1, 2])); // No harm was done.
      assert.deepEqual([...y], [1, 2]);
    });
  }
});
