import assert from 'node:assert/strict';
import { keptFormat } from '../../../kernels/keep.ts';
import type { Ops, Tensor, WeightDType } from '../../../kernels/ops.ts';
import { bytesPerValue } from '../../../kernels/quantize.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { roundTripStored } from '../../../kernels/reference/weight.ts';
import { decodeRows } from '../../../kernels/stored/decodeRows.ts';
import { STORED, type StoredType, storedBytes } from '../../../kernels/stored/storedTypes.ts';
import { assertClose } from '../../support/close.ts';
import { backends, openedFor } from '../../support/engine/backends.ts';
import { randomValues } from '../../support/random.ts';
import { storedRows } from '../../support/storedRows.ts';

const TYPES = Object.keys(STORED) as StoredType[];

const webgpu = backends.find(({ name }) => name === 'webgpu')!;

describe('quantised weights on webgpu', function () {
  this.timeout(60_000);
  const opened = openedFor(webgpu);

  for (const type of TYPES) {
    const dtype = keptFormat(type);
    it(`${type} is kept as ${dtype}: single rows, odd numbers of groups, its size, and nothing held afterwards`, async () => {
      const { ops } = opened;
      const isWide = STORED[type].blockValues > 32;
      for (const [rows, width] of [
        [1, isWide ? 256 : 32],
        [37, isWide ? 768 : 160],
      ] as const) {
        const bytes = storedRows(rows, rows * width, type);
        const ids = [...Array(rows).keys()];
        const before = ops.bytesHeld;
        const { table, largest } = await write(ops, bytes, { rows, width, dtype, type });
        const size = ops.bytesHeld - before;
        const got = await ops.step(() => ops.embed(table, ids));
        for (const [i, value] of roundTripStored(bytes, type, dtype).values.entries())
          assert.ok(got[i] === value, `width ${width} [${i}]: ${got[i]}, wanted ${value}`);
        assert.equal(largest, decodeRows(bytes, type).largest);
        // Scales of a row are whole words, buffers multiples of 16 bytes.
        const least = rows * width * bytesPerValue(dtype);
        assert.ok(size >= least && size <= least + rows * 2 + 32, `${size} bytes, least ${least}`);
        const held = ops.bytesHeld;
        ops.free((await write(ops, bytes, { rows, width, dtype, type })).table);
        assert.equal(ops.bytesHeld, held);
        ops.free(table);
        assert.equal(ops.bytesHeld, held - size);
      }
    });
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
      it(`linear (${rows}, ${width}) x (${outs}, ${width}) ${dtype}, groups far from zero`, async () => {
        // There the products of codes and of minima cancel each other.
        const weights = randomValues(outs, outs * width).map((value, i) => value + [0, 30, -3][(i >> 5) % 3]!);
        const bytes = new Uint8Array(weights.buffer);
        const compute = (ops: Ops): Promise<Float32Array> =>
          product(ops, bytes, { rows: outs, width, dtype, type: 'F32' }, rows);
        assertClose(await compute(opened.ops), await compute(new ReferenceOps()), 2e-5);
      });
    }
  }

  for (const type of TYPES.filter((name) => STORED[name].quantized)) {
    it(`linear with what ${type} keeps`, async () => {
      const [outs, width] = [37, 768];
      const bytes = storedRows(7, outs * width, type);
      const dtype = keptFormat(type);
      for (const rows of [1, 3, 17]) {
        const compute = (ops: Ops): Promise<Float32Array> =>
          product(ops, bytes, { rows: outs, width, dtype, type }, rows);
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

/** The product of random rows with a stored weight. */
async function product(ops: Ops, bytes: Uint8Array, shape: Shape, rows: number): Promise<Float32Array> {
  const { table } = await write(ops, bytes, shape);
  const x = randomValues(rows, rows * shape.width);
  const y = await ops.step(() => ops.linear(ops.input(x, [rows, shape.width]), table));
  ops.free(table);
  return y;
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
