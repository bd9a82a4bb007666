import assert from 'node:assert/strict';
import type { Ops, StoredDType, WeightDType } from '../../kernels/ops.ts';
import { f16ToF32, f32ToF16 } from '../../kernels/quantize.ts';
import { roundTrip } from '../../kernels/reference/weight.ts';
import { createWasmOps, type WasmOps, type WasmOptions } from '../../kernels/wasm/wasmOps.ts';
import { randomValues } from '../support/random.ts';

async function withWasm(options: WasmOptions, use: (ops: WasmOps) => Promise<void>): Promise<void> {
  const ops = await createWasmOps(options);
  try {
    await use(ops);
  } finally {
    await ops.dispose();
  }
}

const STORED: Record<StoredDType, { bytes: (x: Float32Array) => Uint8Array; cut: (x: Float32Array) => Float32Array }> =
  {
    F32: { bytes: (x) => new Uint8Array(x.slice().buffer), cut: (x) => x },
    F16: {
      bytes: (x) => new Uint8Array(Uint16Array.from(x, f32ToF16).buffer),
      cut: (x) => x.map((value) => f16ToF32(f32ToF16(value))),
    },
    BF16: {
      bytes: (x) => new Uint8Array(Uint16Array.from(new Uint32Array(x.slice().buffer), (word) => word >>> 16).buffer),
      cut: (x) => new Float32Array(new Uint32Array(x.slice().buffer).map((word) => word & 0xffff0000).buffer),
    },
  };

/** Writes rows in pieces whose bytes arrive in another order than they were asked for. */
async function writeStored(
  ops: Ops,
  values: Float32Array,
  { rows, width, dtype, stored }: { rows: number; width: number; dtype: WeightDType; stored: StoredDType },
) {
  const bytes = STORED[stored].bytes(values);
  const rowBytes = bytes.length / rows;
  const writer = ops.createWeight([rows, width], dtype);
  const magnitudes: Promise<number>[] = [];
  const arrivals: (() => void)[] = [];
  for (let row = 0; row < rows; row += 7) {
    const piece = bytes.subarray(row * rowBytes, Math.min(rows, row + 7) * rowBytes);
    const arrives = new Promise<void>((resolve) => arrivals.push(resolve));
    magnitudes.push(writer.writeStored!(piece.length, stored, (into) => arrives.then(() => into.set(piece))));
  }
  for (const arrive of arrivals.reverse()) arrive();
  const largest = Math.max(...(await Promise.all(magnitudes)));
  return { table: await writer.finish(), largest };
}

describe('wasm: weights as they are stored', () => {
  for (const dtype of ['f32', 'f16', 'q8', 'q4'] as const) {
    it(`${dtype} from F32, F16 and BF16: the values of quantize.ts, bit for bit, and the largest magnitude`, () =>
      withWasm({ threads: 3 }, async (ops) => {
        for (const stored of ['F32', 'F16', 'BF16'] as const) {
          for (const width of dtype === 'q4' || dtype === 'q8' ? [256] : [256, 77]) {
            const rows = 203;
            const values = tricky(rows * width, stored);
            const held = ops.bytesHeld;
            const { table, largest } = await writeStored(ops, values, { rows, width, dtype, stored });
            const ids = Array.from({ length: rows }, (_, i) => i);
            const got = await ops.step(() => ops.embed(table, ids));
            const want = roundTrip(values, dtype);
            for (let i = 0; i < want.length; i++)
              assert.ok(got[i] === want[i], `${stored} [${i}], ${values[i]}: ${got[i]}, wanted ${want[i]}`);
            assert.equal(largest, Math.max(...values.map(Math.abs)));
            ops.free(table);
            assert.equal(ops.bytesHeld, held);
          }
        }
      }));
  }

  for (const stored of ['F32', 'F16', 'BF16'] as const) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      it(`${stored}: ${bad} anywhere makes the largest magnitude infinite or NaN`, () =>
        withWasm({ threads: 2 }, async (ops) => {
          for (const at of [0, 76, 5 * 77 + 40]) {
            const values = randomValues(1, 9 * 77);
            values[at] = bad;
            const { largest } = await writeStored(ops, values, { rows: 9, width: 77, dtype: 'f32', stored });
            assert.ok(!Number.isFinite(largest), `${largest}`);
          }
        }));
    }
  }

  it('a read that fails rejects, and nothing more is held', () =>
    withWasm({ threads: 1 }, async (ops) => {
      const writer = ops.createWeight([4, 32], 'q4');
      const held = ops.bytesHeld;
      await assert.rejects(
        writer.writeStored!(64, 'BF16', () => Promise.reject(new Error('gone'))),
        /gone/,
      );
      assert.equal(ops.bytesHeld, held);
    }));
});

/** Many magnitudes, ties of both formats, empty groups, numbers that f16 cannot hold exactly; cut to what `stored` holds. */
function tricky(length: number, stored: StoredDType): Float32Array {
  const values = randomValues(7, length).map((v, i) => v * 10 ** ((Math.floor(i / 32) % 10) - 7));
  values.fill(0, 64, 96);
  values.set([0.5, -0.5, 0.25, -0.25, 0.0625, -0.1875, -0], 128);
  // A group of ties of q4, and one of q8: multiples of half a scale.
  for (let i = 0; i < 32; i++) values[160 + i] = i === 0 ? -8 : (i - 16) / 2;
  for (let i = 0; i < 32; i++) values[192 + i] = i === 0 ? 127 : i * 3 + 0.5;
  for (let i = 0; i < 32; i++) values[224 + i] = (i - 15) * 2 ** -25 * 1.0001;
  return STORED[stored].cut(values);
}
