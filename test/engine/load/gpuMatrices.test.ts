import assert from 'node:assert/strict';
import { type BackendOptions, openBackend } from '../../../engine/load/openBackend.ts';
import { loadDawn } from '../../../kernels/gpu/device/dawn.ts';
import { gpuReport } from '../../../kernels/gpu/gpuOps.ts';
import { MATRICES_FEATURE } from '../../../kernels/gpu/device/matrices.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';

const BY_MATRICES = VARIANTS.matmul.at(-1)!.name;
const known = (name: string): BackendOptions['knownTuning'] => {
  return async () => ({ chosen: { 'many rows x 32 x 32 q4': name }, verdicts: {} });
};

describe("the GPU's subgroup matrices, an experiment of Dawn's", () => {
  let restore: (() => void) | undefined;
  let asked: string[] = [];

  before(async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (!usable) {
      console.log(`    skipped: ${reason}`);
      return this.skip();
    }
    // Every adapter seems to have them.
    const prototype = loadDawn().globals['GPU']!.prototype as GPU;
    const { requestAdapter } = prototype;
    prototype.requestAdapter = async function (this: GPU, options) {
      const adapter = (await requestAdapter.call(this, options))!;
      const { features, limits, info } = adapter;
      const requestDevice: GPUAdapter['requestDevice'] = async ({ requiredFeatures = [], ...rest } = {}) => {
        asked = [...requiredFeatures];
        const real = asked.filter((name) => name !== MATRICES_FEATURE) as GPUFeatureName[];
        return adapter.requestDevice({ ...rest, requiredFeatures: real });
      };
      return {
        features: new Set([...features, MATRICES_FEATURE]),
        limits,
        info,
        requestDevice,
      } as unknown as GPUAdapter;
    };
    restore = () => (prototype.requestAdapter = requestAdapter);
  });
  after(() => restore?.());

  const cases: readonly (readonly [string, Omit<BackendOptions, 'backend'>, boolean])[] = [
    ['are not asked for where nothing was tuned', {}, false],
    ['nor where tuning chose others', { knownTuning: known('f32 in tiles of 32 x 64, scaled by group') }, false],
    ['are where tuning chose a product by them', { knownTuning: known(BY_MATRICES) }, true],
    ['are where such a product is forced', { gpuVariants: { matmul: BY_MATRICES } }, true],
    ['are where "airgap tune" tries all', { gpuMatrices: true }, true],
    ['are not asked of a device at baseline limits', { gpuMatrices: true, baselineGpu: true }, false],
  ];
  for (const [title, options, wanted] of cases)
    it(title, async () => {
      const { ops } = await openBackend({ ...options, backend: 'webgpu', allowSoftwareGpu: true });
      await ops.dispose();
      assert.equal(asked.includes(MATRICES_FEATURE), wanted);
    });
});
