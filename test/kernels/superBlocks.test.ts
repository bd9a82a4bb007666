import assert from 'node:assert/strict';
import type { Ops, Tensor } from '../../kernels/ops.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { f32ToF16 } from '../../kernels/shared/f16.ts';
import { STORED, storedBytes } from '../../kernels/stored/storedTypes.ts';
import { SUPER_BLOCKS, type SuperBlockDType } from '../../kernels/superBlocks.ts';
import { assertClose } from '../support/close.ts';
import { backends, openedFor } from '../support/engine/backends.ts';
import { quantizedActivations } from '../support/quantizedActivations.ts';
import { randomValues } from '../support/random.ts';
import { storedRows } from '../support/storedRows.ts';
import { withWasm } from '../support/withWasm.ts';

const DTYPES = Object.keys(SUPER_BLOCKS) as SuperBlockDType[];
const CASES = DTYPES.flatMap((dtype) => SUPER_BLOCKS[dtype].keeps.map((type) => ({ dtype, type })));
type Case = (typeof CASES)[number];

for (const backend of backends) {
  describe(`super-blocks on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);
    const compute = async (
      { dtype, type }: Case,
      stored: Uint8Array,
      shape: readonly [number, number],
      rows: number,
    ) => {
      const [, width] = shape;
      const x = randomValues(rows, rows * width);
      x.fill(0, 32, 64);
      x[5] = 3e3;
      const seen = backend.quantizesActivations ? quantizedActivations(x) : x;
      const got = await product(opened.ops, x, await load(opened.ops, stored, shape, { dtype, type }));
      const reference = new ReferenceOps();
      return { got, want: await product(reference, seen, await load(reference, stored, shape, { dtype, type })) };
    };

    for (const { dtype, type } of CASES) {
      // Panels without partners, parts of panels, turns of four streams, one row and many.
      for (const [rows, width, outs] of [
        [1, 256, 1],
        [1, 768, 37],
        [1, 512, 1037],
        [2, 4352, 19],
        [4, 256, 131],
        [7, 512, 261],
        [16, 1024, 64],
        [21, 1280, 70],
        [300, 256, 41],
      ] as const) {
        it(`linear (${rows}, ${width}) x (${outs}, ${width}), ${type} as ${dtype}`, async () => {
          const { got, want } = await compute(
            { dtype, type },
            storedRows(outs, outs * width, type),
            [outs, width],
            rows,
          );
          assertClose(got, want, 2e-5);
        });
      }

      it(`${type} as ${dtype}: factors that are subnormal, negative, zero and the largest`, async () => {
        const stored = storedRows(1, 24 * 512, type);
        const halves = [2 ** -24, -(2 ** -20), 1023 * 2 ** -24, 2 ** -14, 0, -0, 65504, -1];
        for (let block = 0; block < 48; block++) {
          for (const at of [0, 2]) {
            // Not both large at once where the other is subnormal: the sums of the row would drown it.
            const value = halves[(block * 3 + at) % (block < 24 ? 4 : halves.length)]!;
            const half = f32ToF16(value);
            stored.set([half & 255, half >> 8], block * STORED[type].blockBytes + at);
          }
        }
        for (const rows of [1, 3, 20]) {
          for (const [first, outs] of [
            [0, 12],
            [12, 12],
          ] as const) {
            const rowBytes = storedBytes(512, type);
            const part = stored.subarray(first * rowBytes, (first + outs) * rowBytes);
            const { got, want } = await compute({ dtype, type }, part, [outs, 512], rows);
            assertClose(got, want, 2e-5, `${rows} rows from ${first}`);
          }
        }
      });
    }
  });
}

describe('wasm: super-blocks', () => {
  for (const dtype of DTYPES) {
    const type = SUPER_BLOCKS[dtype].keeps[0]!;
    const [width, outs] = [4352, 43];
    const stored = storedRows(1, outs * width, type);

    for (const simd of ['dot', 'pairs', 'plain'] as const) {
      it(`${simd}, ${dtype}: a row is the same bit for bit beside any others`, () =>
        withWasm({ simd, threads: 2 }, async (ops) => {
          const weight = await load(ops, stored, [outs, width], { dtype, type });
          const x = randomValues(2, 16 * width);
          const products = (from: number, to: number) => product(ops, x.slice(from * width, to * width), weight);
          const alone: number[] = [];
          for (let row = 0; row < 16; row++) alone.push(...(await products(row, row + 1)));
          for (let rows = 2; rows <= 16; rows++) {
            assert.deepEqual([...(await products(0, rows))], alone.slice(0, rows * outs), `${rows} rows`);
          }
        }));
    }

    it(`${dtype}: threads and ways of summing give the same products bit for bit`, async () => {
      const results: Float32Array[][] = [];
      for (const [simd, threads] of [
        ['dot', 1],
        ['dot', 3],
        ['pairs', 2],
      ] as const) {
        await withWasm({ simd, threads }, async (ops) => {
          const weight = await load(ops, stored, [outs, width], { dtype, type });
          const ofRows = (rows: number) => product(ops, randomValues(rows, rows * width), weight);
          results.push([await ofRows(1), await ofRows(5), await ofRows(40)]);
        });
      }
      for (const result of results.slice(1)) assert.deepEqual(result, results[0]);
    });
  }
});

async function load(
  ops: Ops,
  stored: Uint8Array,
  shape: readonly [number, number],
  { dtype, type }: Case,
): Promise<Tensor> {
  const writer = ops.createWeight(shape, dtype);
  await writer.writeStored(stored.length, type, async (into) => into.set(stored));
  return writer.finish();
}

function product(ops: Ops, x: Float32Array, weight: Tensor): Promise<Float32Array> {
  const width = weight.shape[1]!;
  return ops.step(() => ops.linear(ops.input(x, [x.length / width, width]), weight));
}
