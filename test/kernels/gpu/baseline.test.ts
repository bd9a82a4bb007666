import assert from 'node:assert/strict';
import { openBackend } from '../../../engine/load/openBackend.ts';
import { loadDawn } from '../../../kernels/gpu/device/dawn.ts';
import { type GpuOps, createGpuOps, gpuReport } from '../../../kernels/gpu/gpuOps.ts';
import { VARIANTS } from '../../../kernels/gpu/variants/products.ts';
import { weightOf } from '../../../kernels/gpu/device/tensor.ts';
import { validVariants } from '../../../kernels/gpu/variants/validity.ts';
import type { Product } from '../../../kernels/gpu/variants/variant.ts';
import { assertClose } from '../../support/close.ts';
import { gpuOrSkip } from '../../support/gpuOrSkip.ts';
import { randomValues } from '../../support/random.ts';
import { writeRows } from '../../support/weights.ts';

/** The limits that kernels and buffers keep to, as every WebGPU device has them. */
const BASELINE = {
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
} as const;

describe('a webgpu device with baseline limits only', function () {
  this.timeout(60_000);
  let ops: GpuOps;

  before(async function () {
    ops = await gpuOrSkip(this, { baselineOnly: true });
  });
  after(() => ops?.dispose());

  it('was asked for no more', () => {
    const { limits, features } = ops.device;
    for (const [limit, most] of Object.entries(BASELINE)) assert.equal(limits[limit as keyof typeof BASELINE], most);
    for (const feature of ['shader-f16', 'subgroups', 'timestamp-query']) assert.ok(!features.has(feature), feature);
  });

  for (const product of Object.keys(VARIANTS) as Product[]) {
    for (const dtype of ['f32', 'q4', 'q6m'] as const) {
      it(`computes the ${product} with ${dtype} right by each variant that it has room for`, async () => {
        const candidates = ops.variants.candidates(product, dtype);
        const { valid, dropped } = await validVariants(ops, product, dtype, candidates);
        assert.deepEqual(dropped, []);
        assert.deepEqual(valid, candidates);
      });
    }
  }

  it('takes tiles that are half as deep for many rows, also where others were kept or are forced', async () => {
    const [deep, half] = VARIANTS.matmul;
    const shape = [8, 32] as const;
    assert.equal(ops.variants.of(9, 'q4', shape), half);
    ops.variants.chooseKept({ 'many rows x 32 x 8 q4': deep!.name });
    assert.equal(ops.variants.of(9, 'q4', shape), half);
    const tiles = ops.variants.candidates('matmul', 'q4');
    assert.ok(!tiles.includes(deep!) && tiles.every(({ workgroupBytes }) => workgroupBytes <= 2 ** 14));
    const forced = await createGpuOps({
      allowSoftware: true,
      baselineOnly: true,
      variants: { matmul: 'f32 in tiles of 64 x 64, scaled by group' },
    });
    assert.equal(forced.variants.of(9, 'q4', shape), half);
    await forced.dispose();
  });

  it('binds a weight of more than 128 MiB in parts', async () => {
    const [rows, width, border] = [8750, 4096, 2 ** 27 / 16384];
    const piece = randomValues(4, 350 * width); // written again and again
    const rowOf = (id: number): Float32Array => piece.subarray((id % 350) * width, ((id % 350) + 1) * width);
    const writer = ops.createWeight([rows, width], 'f32');
    for (let row = 0; row < rows; row += 350) await writeRows(writer, piece);
    const weight = await writer.finish();
    const ids = [0, border - 1, border, rows - 1];
    const embedded = await ops.step(() => ops.embed(weight, ids));
    ids.forEach((id, i) => assert.deepEqual(embedded.slice(i * width, (i + 1) * width), rowOf(id)));
    const x = randomValues(1, width);
    const y = await ops.step(() => ops.linear(ops.input(x, [1, width]), weight));
    const want = ids.map((id) => rowOf(id).reduce((sum, w, i) => sum + w * x[i]!, 0));
    const got = ids.map((id) => y[id]!);
    assertClose(got, want, 2e-5);
    ops.free(weight);
  });

  it('keeps a weight of more rows than a dispatch computes in parts', async () => {
    const [rows, width] = [8 * 65_535 + 9, 4];
    const values = randomValues(5, rows * width);
    const writer = ops.createWeight([rows, width], 'f32');
    await writeRows(writer, values);
    const weight = await writer.finish();
    const parts = weightOf(weight, 'test').parts.map((part) => part.rows);
    assert.deepEqual(parts, [8 * 65_535, 9]);
    const embedded = await ops.step(() => ops.embed(weight, [rows - 10, rows - 9]));
    assert.deepEqual(embedded, values.slice(-10 * width, -8 * width));
    ops.free(weight);
  });
});

describe('an adapter on webgpu that has less than the kernels need', function () {
  before(async function () {
    const { usable, reason } = await gpuReport({ allowSoftware: true });
    if (usable) return;
    console.log(`    skipped: ${reason}`);
    this.skip();
  });

  const cases: readonly (readonly [limit: keyof typeof BASELINE, value: number, said: RegExp])[] = [
    ['maxComputeWorkgroupStorageSize', 8192, /8192 bytes of workgroup memory .* where 16384 are needed/],
    ['maxComputeInvocationsPerWorkgroup', 128, /128 threads a workgroup .* where 256 are needed/],
    ['maxComputeWorkgroupSizeX', 128, /128 threads in a dimension of a workgroup .* where 256 are needed/],
    [
      'maxComputeWorkgroupsPerDimension',
      1024,
      /1024 workgroups in a dimension of a dispatch .* where 65535 are needed/,
    ],
    ['maxStorageBuffersPerShaderStage', 4, /4 buffers that a kernel binds .* where 8 are needed/],
    ['maxStorageBufferBindingSize', 2 ** 26, /67108864 bytes of a buffer that is bound .* where 134217728 are needed/],
  ];
  for (const [limit, value, said] of cases) {
    it(`is refused in one sentence, and WASM runs instead: ${limit} of ${value}`, async () => {
      await withLimit(limit, value, async () => {
        const { usable, reason } = await gpuReport({ allowSoftware: true });
        assert.equal(usable, false);
        assert.match(reason, said);
        assert.ok(reason.includes(`(${limit})`) && /; the WASM backend needs no GPU\.$/.test(reason), reason);
        const { ops, notes } = await openBackend({ backend: 'auto', allowSoftwareGpu: true, threads: 1 });
        await ops.dispose();
        assert.equal(ops.backend, 'wasm');
        assert.deepEqual(notes, [`WebGPU is not used: ${reason}`]);
      });
    });
  }
});

/** Runs `work` while every adapter tells `value` of a limit. */
async function withLimit(limit: keyof typeof BASELINE, value: number, work: () => Promise<void>): Promise<void> {
  const { prototype } = loadDawn().globals['GPUSupportedLimits']!;
  const original = Object.getOwnPropertyDescriptor(prototype, limit)!;
  Object.defineProperty(prototype, limit, { ...original, get: () => value });
  try {
    await work();
  } finally {
    Object.defineProperty(prototype, limit, original);
  }
}
