import assert from 'node:assert/strict';
import { dawnInstance, loadDawn } from '../../../kernels/gpu/device/dawn.ts';
import { Pipelines } from '../../../kernels/gpu/device/kernel.ts';
import { VariantChoice } from '../../../kernels/gpu/variants/choice.ts';
import { MATRICES_FEATURE, matricesOffered } from '../../../kernels/gpu/device/matrices.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import type { WeightDType } from '../../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../../kernels/quantize.ts';
import type { GpuOps } from '../../../kernels/gpu/gpuOps.ts';
import { faultOf } from '../../../kernels/gpu/variants/validity.ts';
import type { Variant } from '../../../kernels/gpu/variants/variant.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';

const FORMATS = Object.keys(LARGEST_WEIGHT) as WeightDType[];
const BY_MATRICES = VARIANTS.matmul.filter(({ name }) => name.includes('by matrices'));
const FEATURES = ['shader-f16', 'subgroups', 'subgroup-size-control', MATRICES_FEATURE] as GPUFeatureName[];

describe('products by subgroup matrices', () => {
  let device: GPUDevice;

  before(async function () {
    // Needs no driver, and validates shaders as Dawn does on every platform.
    const gpu = dawnInstance(loadDawn(), ['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
    device = await (await gpu.requestAdapter())!.requestDevice({ requiredFeatures: FEATURES });
  });
  after(() => device?.destroy());

  for (const { name, kernel } of BY_MATRICES) {
    it(`${name}: its shaders are valid in each format`, async () => {
      const pipelines = new Pipelines(device);
      for (const dtype of FORMATS) assert.equal(await pipelines.compileFailure(kernel(dtype, 64)), undefined, dtype);
    });
  }

  it('a shader that multiplies matrices of other sizes is not valid', async () => {
    const kernel = BY_MATRICES[0]!.kernel('q4', 64);
    const source = kernel.source.replace('alias Left = subgroup_matrix_left<Factor, K, M>', 'alias Left = Right');
    assert.match((await new Pipelines(device).compileFailure({ ...kernel, source }))!, /no matching call/);
  });

  const f16 = (M: number, N: number, K: number) => ({ componentType: 'f16', resultComponentType: 'f32', M, N, K });
  const adapters = [
    {
      adapter: 'an Apple M1',
      sizes: [32, 32],
      configs: [
        { componentType: 'f32', resultComponentType: 'f32', M: 8, N: 8, K: 8 },
        { componentType: 'f16', resultComponentType: 'f16', M: 8, N: 8, K: 8 },
      ],
      features: FEATURES.filter((feature) => (feature as string) !== 'subgroup-size-control'),
      wanted: ['f32 by matrices of 8 x 8 x 8, in subgroups of 32'],
    },
    {
      adapter: 'an NVIDIA card',
      sizes: [32, 32],
      configs: [f16(16, 16, 16), f16(16, 8, 16), { ...f16(16, 16, 16), resultComponentType: 'f16' }],
      wanted: ['f16 by matrices of 16 x 16 x 16, in subgroups of 32'],
    },
    {
      adapter: 'an AMD card with subgroups of two sizes',
      sizes: [32, 64],
      configs: [f16(16, 16, 16)],
      wanted: [32, 64].map((size) => `f16 by matrices of 16 x 16 x 16, in subgroups of ${size}`),
    },
    {
      adapter: 'an Intel GPU with subgroups of three sizes',
      sizes: [8, 32],
      configs: [f16(8, 16, 16)],
      wanted: [16, 32].map((size) => `f16 by matrices of 8 x 16 x 16, in subgroups of ${size}`),
    },
    {
      adapter: 'a GPU whose subgroups have a size that nobody can choose',
      sizes: [8, 32],
      configs: [f16(8, 16, 16)],
      features: FEATURES.filter((feature) => (feature as string) !== 'subgroup-size-control'),
      wanted: [],
    },
    { adapter: 'a GPU of which no matrices were asked for', sizes: [32, 32], configs: [], features: [], wanted: [] },
  ];
  for (const { adapter, sizes, configs, features = FEATURES, wanted } of adapters) {
    it(`${adapter} may use ${wanted.length === 0 ? 'none' : wanted.join(' and ')}`, () => {
      const [subgroupMinSize, subgroupMaxSize] = sizes;
      const info = { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs: configs } as unknown as GPUAdapterInfo;
      const choice = new VariantChoice(new Set(['f16', ...matricesOffered(info, new Set(features))] as const), 16384);
      const names = choice.candidates('matmul', 'q4').map(({ name }) => name);
      assert.deepEqual(
        names.filter((name) => name.includes('by matrices')),
        wanted,
      );
    });
  }
});

describe('products by subgroup matrices, written out for threads, on webgpu', function () {
  this.timeout(120_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this);
  });
  after(() => ops?.dispose());

  for (const variant of BY_MATRICES)
    it(`${variant.name}: right on hard inputs`, async () => {
      assert.equal(await faultOf(ops, 'matmul', writtenOut(variant), 'q4m'), undefined);
    });

  it('one that takes rows for columns is found out', async () => {
    const [variant] = BY_MATRICES.filter(({ name }) => name.includes('8 x 16 x 16'));
    const swapped = writtenOut(variant!, (source) => source.replace('at / N', 'at / M'));
    assert.match((await faultOf(ops, 'matmul', swapped, 'q4m'))!, /it gives/);
  });
});

/**
 * The same shader with plain arithmetic for matrices, and with f32 for f16: each thread of a subgroup has some values of its
 * results, and a factor is where it lies in its tile. Where that is can be tried on any device.
 */
function writtenOut(variant: Variant, change = (source: string) => source): Variant {
  const replaced: readonly (readonly [string | RegExp, string])[] = [
    [/^(enable|diagnostic).*\n/gm, ''],
    [/ @subgroup_size\(\d+\)/, ''],
    ['alias Factor = f16', 'alias Factor = f32'],
    [/alias (Left|Right) = .*;/g, 'alias $1 = u32;'],
    [/alias Result = .*;/, `alias Result = array<f32, M * N / SUBGROUP>;\n${BUILTINS}`],
    [/subgroupMatrixLoad<.*>\(&.Tile, (.*), STRIDE\)/g, '$1'],
    [/sums\[i\]\[j\] = subgroupMatrixMultiplyAccumulate/, 'multiplyAccumulate'],
    ['right[j], sums[i][j])', 'right[j], &sums[i][j])'],
    ['subgroupMatrixStore<row_major>(&scratch, mine, sums[i][j], N)', 'storeMatrix(mine, sums[i][j])'],
    ['  @builtin(subgroup_id) subgroup: u32,\n  @builtin(subgroup_invocation_id) lane: u32,\n', ''],
    ['  let firstOut', '  let subgroup = thread / SUBGROUP;\n  lane = thread % SUBGROUP;\n  let firstOut'],
  ];
  const kernel: Variant['kernel'] = (dtype, rows) => {
    const original = variant.kernel(dtype, rows);
    const source = replaced.reduce((text, [from, to]) => text.replace(from, to), original.source);
    return { ...original, source: change(source) };
  };
  return { ...variant, kernel };
}

const BUILTINS = `
var<private> lane: u32;
fn multiplyAccumulate(left: u32, right: u32, sums: ptr<function, Result>) {
  for (var i = 0u; i < M * N / SUBGROUP; i++) {
    let at = lane + i * SUBGROUP;
    for (var k = 0u; k < K; k++) {
      sums[i] += xTile[left + at / N * STRIDE + k] * wTile[right + at % N * STRIDE + k];
    }
  }
}
fn storeMatrix(first: u32, result: Result) {
  var values = result;
  for (var i = 0u; i < M * N / SUBGROUP; i++) { scratch[first + lane + i * SUBGROUP] = values[i]; }
}
`;
