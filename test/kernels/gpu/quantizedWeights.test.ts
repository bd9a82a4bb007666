import assert from 'node:assert/strict';
import { keptFormat } from '../../../kernels/keep.ts';
import type { Ops, Tensor, WeightDType } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { roundTripStored } from '../../../kernels/reference/weight.ts';
import { decodeRows } from '../../../kernels/stored/decodeRows.ts';
import { STORED, type StoredType, storedBytes } from '../../../kernels/stored/storedTypes.ts';
import { assertClose } from '../../support/close.ts';
import { backends, openedFor } from '../../support/engine/backends.ts';
import { randomValues } from '../../support/random.ts';
import { storedRows } from '../../support/storedRows.ts';

const TYPES = Object.keys(STORED) as StoredType[];
const DTYPES: readonly WeightDType[] = ['f32', 'f16', 'q8', 'q4', 'q4m', 'q5m', 'q6m'];
/** Bits that a weight of each format takes in memory. */
const BITS: Record<WeightDType, number> = { f32: 32, f16: 16, q8: 8.5, q4: 4.5, q4m: 5, q5m: 6, q6m: 8 };

const webgpu = backends.find(({ name }) => name === 'webgpu')!;

describe('quantised weights on webgpu', function () {
  this.timeout(60_000);
  const opened = openedFor(webgpu);

  for (const type of TYPES) {
    for (const dtype of DTYPES) {
      it(`${dtype} from ${type}: the values of the reference, bit for bit`, async () => {
        const { ops } = opened;
        const { blockValues } = STORED[type];
        for (const [rows, width] of [
          [1, blockValues > 32 ? 256 : 32],
          [37, blockValues > 32 ? 768 : 160],
        ] as const) {
          const bytes = storedRows(rows, rows * width, type);
          const before = ops.bytesHeld;
          const { table, largest } = await write(ops, bytes, { rows, width, dtype, type });
          const bytesHeld = ops.bytesHeld - before;
          const got = await ops.step(() => ops.embed(table, [...Array(rows).keys()]));
          const want = roundTripStored(bytes, type, dtype);
          assert.equal(want.largest, largest);
          for (const [i, value] of want.values.entries())
            assert.ok(got[i] === value, `width ${width} [${i}]: ${got[i]}, wanted ${value}`);
          assert.equal(largest, decodeRows(bytes, type).largest);
          ops.free(table);
          // Rows of scales are whole words, buffers multiples of 16 bytes.
          assert.ok(Math.abs(bytesHeld - (rows * width * BITS[dtype]) / 8) <= rows * 2 + 32, `${bytesHeld} bytes`);
          await ops.step(() => ops.input(new Float32Array(1), [1, 1]));
          const held = ops.bytesHeld;
          ops.free((await write(ops, bytes, { rows, width, dtype, type })).table);
          assert.equal(ops.bytesHeld, held);
        }
      });
    }
  }

  for (const dtype of ['q4m', 'q5m', 'q6m'] as const) {
    for (const [rows, width, outs] of [
      [1, 32, 1],
      [1, 3072, 97],
      [2, 96, 33],
      [5, 160, 7],
      [8, 1024, 64],
      [9, 32, 5],
      [65, 224, 131],
    ] as const) {
      for (const adds of [[], ['bias', 'residual']]) {
        it(`linear (${rows}, ${width}) x (${outs}, ${width}) ${[dtype, ...adds].join(' ')}`, async () => {
          // Groups far from zero, where sums of x and minimum cancel against the codes', beside others around it.
          const weights = randomValues(outs, outs * width).map((value, i) => value + [0, 30, -3][(i >> 5) % 3]!);
          const compute = async (ops: Ops): Promise<Float32Array> => {
            const bytes = new Uint8Array(weights.slice().buffer);
            const { table } = await write(ops, bytes, { rows: outs, width, dtype, type: 'F32' });
            const bias = ops.upload(randomValues(8, outs), [outs]);
            const y = await ops.step(() =>
              ops.linear(ops.input(randomValues(rows, rows * width), [rows, width]), table, {
                bias: adds.includes('bias') ? bias : undefined,
                residual: adds.includes('residual') ? ops.input(randomValues(9, rows * outs), [rows, outs]) : undefined,
              }),
            );
            for (const tensor of [table, bias]) ops.free(tensor);
            return y;
          };
          assertClose(await compute(opened.ops), await compute(new ReferenceOps()), 2e-5);
        });
      }
    }
  }

  for (const type of TYPES.filter((name) => STORED[name].quantized)) {
    it(`linear with what ${type} keeps`, async () => {
      const [outs, width] = [37, 768];
      const bytes = storedRows(7, outs * width, type);
      const dtype = keptFormat(type);
      for (const rows of [1, 3, 17]) {
        const compute = async (ops: Ops): Promise<Float32Array> => {
          const { table } = await write(ops, bytes, { rows: outs, width, dtype, type });
          const y = await ops.step(() => ops.linear(ops.input(randomValues(rows, rows * width), [rows, width]), table));
          ops.free(table);
          return y;
        };
        assertClose(await compute(opened.ops), await compute(new ReferenceOps()), 2e-5, `${rows} rows`);
      }
    });
  }
});

interface Shape {
  readonly rows: number;
  readonly width: number;
  readonly dtype: WeightDType;
  readonly type: StoredType;
}

/** Writes stored rows in two pieces; the second arrives first. */
async function write(
  ops: Ops,
  bytes: Uint8Array,
  { rows, width, dtype, type }: Shape,
): Promise<{ table: Tensor; largest: number }> {
  const writer = ops.createWeight([rows, width], dtype);
  const half = Math.ceil(rows / 2) * storedBytes(width, type);
  const pieces = [bytes.subarray(0, half), bytes.subarray(half)].filter(({ length }) => length > 0);
  const arrivals: (() => void)[] = [];
  const magnitudes = pieces.map((piece) => {
    const arrives = new Promise<void>((resolve) => arrivals.push(resolve));
    return writer.writeStored(piece.length, type, (into) => arrives.then(() => into.set(piece)));
  });
  for (const arrive of arrivals.reverse()) arrive();
  return { largest: Math.max(...(await Promise.all(magnitudes))), table: await writer.finish() };
}
