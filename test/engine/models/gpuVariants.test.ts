import { loadModel } from '../../../engine/load/loadModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import type { ForcedVariants } from '../../../kernels/gpu/variants/choice.ts';
import type { Arithmetic } from '../../../kernels/gpu/variants/variant.ts';
import { assertWithin } from '../../support/close.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { FORCED_ATTENTION } from '../../support/attention/variants.ts';
import { readGolden, withGolden } from '../../support/engine/golden.ts';

/** Tolerances on logits from test/fixtures/golden/README.md: of f16 activations, and of bf16 ones, as coarse as 8 bits a group. */
const TOLERANCE: Record<Arithmetic, number> = { f32: 1e-3, f16: 5e-2, 'f16 factors': 5e-2, int8: 0.3 };
const MODEL = 'mini-4k';
const OPTIONS = { weights: 'q8', kv: 'f32', allowSoftwareGpu: true } as const;

describe('goldens on webgpu with each variant of the products and of attention', function () {
  this.timeout(300_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  let reference: Promise<Float32Array> | undefined;
  const prompt = readGolden(MODEL)[0]!.prompts.at(-1)!;

  /** The logits of the last four positions, of which `decoded` are taken a token at a time. */
  const lastLogits = (backend: 'webgpu' | 'reference', forced: ForcedVariants = {}, decoded = 0) =>
    withGolden(MODEL, {}, async (folder) => {
      const model = await loadModel(folder, { ...OPTIONS, backend, gpuVariants: forced });
      try {
        const session = model.createSession();
        const { ids } = prompt;
        for (let left = decoded; left > 0; left--)
          await session.run(textPrompt(ids.slice(0, ids.length - left)), { output: 'argmax' });
        return (await session.run(textPrompt(ids), { output: 'logits', last: decoded > 0 ? 1 : 4 })).values;
      } finally {
        await model.dispose();
      }
    });

  for (const product of ['matvec', 'matmul'] as const) {
    for (const { name, arithmetic, needs } of VARIANTS[product].slice(1)) {
      it(`${product}, ${name}`, async function () {
        const missing = needs.filter((need) => !ops.variants.offered.has(need));
        if (missing.length > 0) {
          console.log(`      skipped: this adapter has no ${missing.join(', ')}`);
          return this.skip();
        }
        const decoded = product === 'matvec' ? 3 : 0;
        const want = (await (reference ??= lastLogits('reference'))).subarray(
          decoded > 0 ? -prompt.logits[0]!.length : 0,
        );
        assertWithin(await lastLogits('webgpu', { [product]: name }, decoded), want, TOLERANCE[arithmetic]);
      });
    }
  }

  for (const { decode, prefill, needs } of FORCED_ATTENTION) {
    it(`attention, ${decode}; ${prefill}`, async function () {
      if (needs.some((need) => !ops.variants.offered.has(need))) return this.skip();
      const want = (await (reference ??= lastLogits('reference'))).subarray(-prompt.logits[0]!.length);
      assertWithin(await lastLogits('webgpu', { attention: { decode, prefill } }, 3), want, TOLERANCE.f32);
    });
  }
});
