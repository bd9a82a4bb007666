import assert from 'node:assert/strict';
import { type EncodedRows, PlainRows, type PlainType } from '../../../kernels/encode/plainRows.ts';
import { quantizeStored } from '../../../kernels/keep.ts';
import { type QuantizedDType, emptyRows, quantize } from '../../../kernels/quantize.ts';
import { decodeRows } from '../../../kernels/stored/decodeRows.ts';
import { storedBytes } from '../../../kernels/stored/storedTypes.ts';
import { chooseKernels } from '../../../kernels/wasm/host/platform.ts';
import { f16ToF32, f32ToF16 } from '../../../kernels/shared/f16.ts';
import { randomValues } from '../../support/random.ts';

describe('PlainRows', () => {
  let plainRows: PlainRows;
  before(async () => {
    plainRows = new PlainRows((await chooseKernels('plain')).module);
  });
  const encode = (values: Float32Array, type: PlainType): EncodedRows =>
    plainRows.encode(new Uint8Array(values.buffer), 'F32', type);

  const rows: [string, Float32Array][] = [
    ['random values with outliers', randomValues(1, 32 * 300)], // More than the kernel takes at a time.
    ['tiny values', randomValues(2, 64).map((value) => value * 1e-7)],
    ['zeros', new Float32Array(64)],
    ['ties of magnitude', Float32Array.from({ length: 64 }, (_, i) => (i % 2 ? 1 : -1))],
    ['ties of rounding', Float32Array.from({ length: 64 }, (_, i) => (i - 32) / 16)],
    ['one sign', randomValues(3, 96).map((value) => Math.abs(value) + 1)],
  ];
  const formats: [PlainType, QuantizedDType][] = [
    ['Q8_0', 'q8'],
    ['Q4_0', 'q4'],
    ['Q4_1', 'q4m'],
  ];
  for (const [type, format] of formats) {
    for (const [name, values] of rows) {
      it(`${type} of ${name}: what the format ${format} takes over is what it would have made of the values`, () => {
        const want = emptyRows(values.length, format);
        quantize(values, format, want);
        const { bytes, largest } = encode(values, type);
        const got = emptyRows(values.length, format);
        quantizeStored(bytes, type, format, got);
        assert.deepEqual(got, want);
        assert.equal(largest, Math.max(...values.map(Math.abs)));
      });
    }
  }

  for (const from of ['F16', 'BF16', 'Q5_0'] as const) {
    it(`rows of ${from}: as their values in F32`, () => {
      const stored = Uint8Array.from(randomValues(5, storedBytes(32 * 150, from)), (value) => value * 50);
      for (let at = 1; at < stored.length; at += 2) stored[at]! &= 0xbf; // No exponent is that of infinity.
      const { values } = decodeRows(stored, from);
      for (const type of ['F16', 'Q8_0', 'Q4_0', 'Q4_1'] as const) {
        assert.deepEqual(plainRows.encode(stored, from, type), encode(values, type), type);
      }
    });
  }

  it('an infinite F16 is told, which would be a number as F32', () => {
    const halves = Uint16Array.from({ length: 64 }, (_, i) => (i === 50 ? 0x7c00 : 0x3c00));
    const { largest } = plainRows.encode(new Uint8Array(halves.buffer), 'F16', 'Q4_0');
    assert.equal(largest, Infinity);
  });

  it('F16: the nearest', () => {
    const values = randomValues(4, 100);
    const { bytes, largest } = encode(values, 'F16');
    assert.deepEqual(
      [...decodeRows(bytes, 'F16').values],
      [...values].map((value) => f16ToF32(f32ToF16(value))),
    );
    assert.equal(largest, Math.max(...values.map(Math.abs)));
  });

  for (const value of [NaN, Infinity, -Infinity]) {
    it(`tells that a value is ${value}`, () => {
      for (const type of ['F16', 'Q8_0', 'Q4_0', 'Q4_1'] as const) {
        const values = new Float32Array(96).fill(1);
        values[40] = value; // In the middle one of three groups.
        assert.ok(!Number.isFinite(encode(values, type).largest), type);
      }
    });
  }
});
