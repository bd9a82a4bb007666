import assert from 'node:assert/strict';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { type WeightedGroup, affineError, fitAffine } from '../../../kernels/encode/leastSquares.ts';
import { type WeightedType, encodeWeightedRows } from '../../../kernels/encode/weightedRows.ts';
import { f16ToF32, f32ToF16 } from '../../../kernels/shared/f16.ts';
import { roundTrip } from '../../../kernels/reference/weight.ts';
import { decodeRows } from '../../../kernels/stored/decodeRows.ts';

const TYPES: readonly WeightedType[] = ['Q4_1', 'Q4_K'];
const COLUMNS = 512;

describe('weighted least squares', () => {
  it('of few values with few codes the error is close to that of the best of all codes', () => {
    const next = mulberry32(1);
    const highest = 3;
    let [found, least] = [0, 0];
    for (let round = 0; round < 300; round++) {
      const group = randomGroup(next, 5);
      const { error } = fitAffine(group, highest);
      const best = leastError(group, highest);
      assert.ok(error >= best * (1 - 1e-3), `${error} is below the least error ${best}`);
      found += error;
      least += best;
    }
    assert.ok(found <= 1.1 * least, `${found} against ${least}`);
  });

  it('is never worse than the plain rule, and keeps the minimum below its limit', () => {
    const next = mulberry32(2);
    for (const most of [Infinity, 0]) {
      for (let round = 0; round < 300; round++) {
        const group = randomGroup(next, 32);
        const low = f16(Math.min(most, ...group.values));
        const plain = affineError(group, f16((Math.max(...group.values) - low) / 15), low, 15);
        const { scale, minimum, error } = fitAffine(group, 15, most);
        assert.ok(error <= plain, `${error} against ${plain}`);
        assert.ok(minimum <= most && scale >= 0);
        assert.equal(affineError(group, scale, minimum, 15), error);
      }
    }
  });
});

for (const type of TYPES) {
  describe(`rows in ${type} by weighted least squares`, () => {
    const rows = gaussian(3, 4 * COLUMNS);
    const importance = Float32Array.from(gaussian(4, COLUMNS), (x) => Math.exp(3 * x));
    const encode = (x: Float32Array, weights?: Float32Array): Float32Array =>
      decodeRows(encodeWeightedRows(x, { type, columns: COLUMNS, importance: weights }), type).values;

    it('have a smaller error than those of the plain rule of Q4_1', () => {
      assert.ok(errorOf(encode(rows), rows) < 0.9 * errorOf(roundTrip(rows, 'q4m'), rows));
    });

    it('with importance have a smaller error where it matters', () => {
      const plain = errorOf(encode(rows), rows, importance);
      assert.ok(errorOf(encode(rows, importance), rows, importance) < 0.9 * plain);
    });

    for (const [what, value] of [
      ['zeros', () => 0],
      ['one negative value', () => -0.25],
      ['one positive value', () => 0.25],
    ] as const) {
      it(`keep rows of ${what}`, () => {
        const x = new Float32Array(COLUMNS).map(value);
        encode(x).forEach((got) => assert.ok(Math.abs(got - x[0]!) <= Math.abs(x[0]!) * 2 ** -10));
      });
    }

    it('stay finite for tiny, huge and single values', () => {
      const x = new Float32Array(COLUMNS);
      x.set([1e-30, -60000, 60000, 1e-7], 0);
      x.fill(3e-8, 256);
      assert.ok(encode(x).every(Number.isFinite));
      assert.ok(encode(x, importance).every(Number.isFinite));
    });

    it('are refused where they are not whole blocks', () => {
      assert.throws(() => encodeWeightedRows(rows, { type, columns: 48 }), /rows of 48/);
      assert.throws(() => encodeWeightedRows(rows, { type, columns: COLUMNS, importance: rows }), /importances/);
    });
  });
}

function randomGroup(next: () => number, length: number): WeightedGroup {
  const values = Float64Array.from({ length }, () => f16(next() + next() + next() - 1.5));
  return { values, weights: Float64Array.from(values, () => Math.exp(4 * next())) };
}

/** The least weighted squared error that any codes can have, each with its best scale and minimum. */
function leastError({ values, weights }: WeightedGroup, highest: number): number {
  let least = Infinity;
  for (let n = 0; n < (highest + 1) ** values.length; n++) {
    const codes = Array.from(values, (_, i) => Math.floor(n / (highest + 1) ** i) % (highest + 1));
    const sum = (f: (i: number) => number): number => weights.reduce((total, w, i) => total + w * f(i), 0);
    const [w, q, qq] = [sum(() => 1), sum((i) => codes[i]!), sum((i) => codes[i]! ** 2)];
    const [x, qx] = [sum((i) => values[i]!), sum((i) => codes[i]! * values[i]!)];
    const scale = w * qq === q * q ? 0 : (w * qx - q * x) / (w * qq - q * q);
    const minimum = (x - scale * q) / w;
    least = Math.min(
      least,
      sum((i) => (scale * codes[i]! + minimum - values[i]!) ** 2),
    );
  }
  return least;
}

function errorOf(got: Float32Array, want: Float32Array, importance?: Float32Array): number {
  return want.reduce((sum, x, i) => sum + (importance?.[i % COLUMNS] ?? 1) * (got[i]! - x) ** 2, 0);
}

function gaussian(seed: number, length: number): Float32Array {
  const next = mulberry32(seed);
  return Float32Array.from({ length }, () => next() + next() + next() + next() - 2);
}

function f16(value: number): number {
  return f16ToF32(f32ToF16(value));
}
