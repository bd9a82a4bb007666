import assert from 'node:assert/strict';
import type { Ops, WeightDType } from '../../kernels/ops.ts';
import { f16ToF32, f32ToF16 } from '../../kernels/shared/f16.ts';
import { isQuantized } from '../../kernels/quantize.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { roundTrip } from '../../kernels/reference/weight.ts';
import { decodeRows } from '../../kernels/stored/decodeRows.ts';
import { storedBytes } from '../../kernels/stored/storedTypes.ts';
import { type TestBackend, backends, openedFor } from '../support/engine/backends.ts';
import { randomValues } from '../support/random.ts';
import { WEIGHT_DTYPES } from '../support/weights.ts';

/** Stores values as a checkpoint does, and returns the values that a decoder must produce. */
type FloatType = 'F32' | 'F16' | 'BF16';
const CASES: Record<FloatType, { store(x: Float32Array): Uint8Array; values(x: Float32Array): Float32Array }> = {
  F32: { store: (x) => new Uint8Array(x.slice().buffer), values: (x) => x },
  F16: {
    store: (x) => new Uint8Array(Uint16Array.from(x, f32ToF16).buffer),
    values: (x) => x.map((value) => f16ToF32(f32ToF16(value))),
  },
  BF16: {
    store: (x) => new Uint8Array(Uint16Array.from(new Uint32Array(x.slice().buffer), (word) => word >>> 16).buffer),
    values: (x) => new Float32Array(new Uint32Array(x.slice().buffer).map((word) => word & 0xffff0000).buffer),
  },
};
const TYPES = Object.keys(CASES) as FloatType[];

const reference: TestBackend = {
  name: 'the reference',
  create: async () => new ReferenceOps(),
  quantizesActivations: false,
};

describe('stored types', () => {
  for (const type of TYPES) {
    const { store, values } = CASES[type];

    it(`${type}: decodes what was stored, with the largest magnitude`, () => {
      const x = tricky(32 * 77);
      const bytes = store(x);
      assert.equal(bytes.length, storedBytes(x.length, type));
      const decoded = decodeRows(bytes, type);
      assert.deepEqual(decoded.values, values(x));
      assert.equal(decoded.largest, Math.max(...values(x).map(Math.abs)));
    });

    it(`${type}: NaN and infinity make the largest magnitude not finite`, () => {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const { largest } = decodeRows(store(Float32Array.of(1, bad, 2, 3)), type);
        assert.ok(!Number.isFinite(largest), `${bad}: ${largest}`);
      }
    });
  }
});

for (const backend of [reference, ...backends]) {
  describe(`weights as they are stored, on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);

    for (const type of TYPES) {
      for (const dtype of WEIGHT_DTYPES) {
        it(`${dtype} from ${type}: the values of quantize.ts, bit for bit, and the largest magnitude`, async () => {
          const { ops } = opened;
          const rows = 203;
          for (const width of isQuantized(dtype) ? [256] : [256, 77]) {
            const values = CASES[type].values(tricky(rows * width));
            const held = ops.bytesHeld;
            const { table, largest } = await writeStored(ops, values, { rows, width, dtype, type });
            // A product would round its activations; embed returns the exact values.
            const got = await ops.step(() => ops.embed(table, [...Array(rows).keys()]));
            const want = roundTrip(values, dtype);
            for (let i = 0; i < want.length; i++)
              assert.ok(got[i] === want[i], `width ${width} [${i}], ${values[i]}: ${got[i]}, wanted ${want[i]}`);
            assert.equal(largest, Math.max(...values.map(Math.abs)));
            ops.free(table);
            assert.ok(ops.bytesHeld - held <= scratchOf(ops), `${ops.bytesHeld - held} bytes more`);
          }
        });
      }

      for (const bad of [NaN, Infinity, -Infinity]) {
        it(`${type}: ${bad} anywhere makes the largest magnitude infinite or NaN`, async () => {
          for (const at of [0, 76, 5 * 77 + 40]) {
            const values = randomValues(1, 9 * 77);
            values[at] = bad;
            const { table, largest } = await writeStored(opened.ops, values, {
              rows: 9,
              width: 77,
              dtype: 'f32',
              type,
            });
            assert.ok(!Number.isFinite(largest), `${largest}`);
            opened.ops.free(table);
          }
        });
      }
    }

    it('a read that fails rejects, and nothing more is held', async () => {
      const writer = opened.ops.createWeight([4, 32], 'q4');
      const held = opened.ops.bytesHeld;
      await assert.rejects(
        writer.writeStored(64, 'BF16', () => Promise.reject(new Error('gone'))),
        /gone/,
      );
      assert.equal(opened.ops.bytesHeld, held);
    });

    it('refuses parts of rows, too many rows, and too few', async () => {
      const write = (writer: ReturnType<Ops['createWeight']>, bytes: number) =>
        writer.writeStored(bytes, 'BF16', async () => {});
      const writer = opened.ops.createWeight([4, 32], 'f16');
      await assert.rejects(write(writer, 63), /63 bytes of BF16/);
      await assert.rejects(write(writer, 5 * 64), /320 bytes of BF16/);
      await write(writer, 3 * 64);
      await assert.rejects(writer.finish(), /got 3 rows/);
      await write(writer, 64);
      opened.ops.free(await writer.finish());
    });
  });
}

/** Bytes of scratch memory, which the GPU keeps from step to step. */
function scratchOf(ops: Ops): number {
  return ops.backend === 'webgpu' ? 2 ** 20 : 0;
}

/** Writes rows in pieces whose bytes arrive in a different order than requested. */
async function writeStored(
  ops: Ops,
  values: Float32Array,
  { rows, width, dtype, type }: { rows: number; width: number; dtype: WeightDType; type: FloatType },
) {
  const bytes = CASES[type].store(values);
  const rowBytes = bytes.length / rows;
  const writer = ops.createWeight([rows, width], dtype);
  const magnitudes: Promise<number>[] = [];
  const arrivals: (() => void)[] = [];
  for (let row = 0; row < rows; row += 7) {
    const piece = bytes.subarray(row * rowBytes, Math.min(rows, row + 7) * rowBytes);
    const arrives = new Promise<void>((resolve) => arrivals.push(resolve));
    magnitudes.push(writer.writeStored(piece.length, type, (into) => arrives.then(() => into.set(piece))));
  }
  for (const arrive of arrivals.reverse()) arrive();
  const largest = Math.max(...(await Promise.all(magnitudes)));
  return { table: await writer.finish(), largest };
}

/** Many magnitudes, ties of both quantised formats, empty groups, and numbers that f16 cannot hold exactly. */
function tricky(length: number): Float32Array {
  const values = randomValues(7, length).map((v, i) => v * 10 ** ((Math.floor(i / 32) % 10) - 7));
  values.fill(0, 64, 96);
  values.set([0.5, -0.5, 0.25, -0.25, 0.0625, -0.1875, -0], 128);
  // A group of ties for q4 and one for q8: multiples of half a scale.
  for (let i = 0; i < 32; i++) values[160 + i] = i === 0 ? -8 : (i - 16) / 2;
  for (let i = 0; i < 32; i++) values[192 + i] = i === 0 ? 127 : i * 3 + 0.5;
  for (let i = 0; i < 32; i++) values[224 + i] = (i - 15) * 2 ** -25 * 1.0001;
  return values;
}
