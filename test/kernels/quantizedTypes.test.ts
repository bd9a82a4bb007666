import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { keeps, keptFormat } from '../../kernels/keep.ts';
import type { WeightDType } from '../../kernels/ops.ts';
import { QUANTIZED, type QuantizedDType } from '../../kernels/quantize.ts';
import { roundTripStored } from '../../kernels/reference/weight.ts';
import { decodeRows, largestMagnitude } from '../../kernels/stored/decodeRows.ts';
import { emptyBlocks } from '../../kernels/stored/quantizedFormat.ts';
import { STORED, type StoredType, storedBytes } from '../../kernels/stored/storedTypes.ts';

/** A stored type: the format that keeps it, its f16 numbers' places in a block, and blocks with their values. */
interface Case {
  readonly kept: WeightDType;
  readonly halves: readonly number[];
  readonly blocks: Uint8Array;
  readonly values: Float32Array;
}

const KEPT: Partial<Record<StoredType, { kept: QuantizedDType; halves: readonly number[] }>> = {
  Q8_0: { kept: 'q8', halves: [0] },
  Q4_0: { kept: 'q4', halves: [0] },
  Q4_1: { kept: 'q4m', halves: [0, 2] },
  Q5_0: { kept: 'q5m', halves: [0] },
  Q5_1: { kept: 'q5m', halves: [0, 2] },
  Q2_K: { kept: 'q6m', halves: [80, 82] },
  Q3_K: { kept: 'q6m', halves: [108] },
  Q4_K: { kept: 'q4m', halves: [0, 2] },
  Q5_K: { kept: 'q5m', halves: [0, 2] },
  Q6_K: { kept: 'q6m', halves: [208] },
  IQ4_NL: { kept: 'q8', halves: [0] },
  IQ4_XS: { kept: 'q8', halves: [0] },
};
const TYPES = Object.keys(KEPT) as StoredType[];
const CASES = loadCases();

describe('quantised stored types', () => {
  it('are all tested', () => {
    assert.deepEqual(new Set(TYPES), new Set((Object.keys(STORED) as StoredType[]).filter((t) => STORED[t].quantized)));
  });

  for (const type of TYPES) {
    const { kept, halves, blocks, values } = CASES[type]!;
    const quantized = STORED[type].quantized!;

    it(`${type}: decodes to the published values bit for bit`, () => {
      assert.equal(blocks.length, storedBytes(values.length, type));
      const decoded = decodeRows(blocks, type);
      assert.deepEqual(decoded.values, values);
      assert.equal(decoded.largest, largestMagnitude(values));
    });

    it(`${type}: unpacks codes of its range`, () => {
      const unpacked = emptyBlocks(values.length, quantized.group);
      quantized.unpack(blocks, unpacked);
      assert.equal(Math.min(...unpacked.codes), quantized.lowest);
      assert.equal(Math.max(...unpacked.codes), quantized.highest);
    });

    it(`${type}: is kept by ${kept} within 2^-11 of product and of minimum`, () => {
      assert.equal(keptFormat(type), kept);
      const unpacked = emptyBlocks(values.length, quantized.group);
      quantized.unpack(blocks, unpacked);
      for (const dtype of (Object.keys(QUANTIZED) as QuantizedDType[]).filter((format) => keeps(type, format))) {
        // What overflows f16 is reported below.
        for (const { stored, from } of finiteBlocks(type, dtype)) {
          const { values: got } = roundTripStored(stored, type, dtype);
          for (const [i, value] of got.entries()) {
            const at = Math.floor((from + i) / quantized.group);
            const product = Math.abs(unpacked.scales[at]! * unpacked.codes[from + i]!);
            const bound = 2 ** -11 * (product + Math.abs(unpacked.minima[at]!));
            const error = Math.abs(value - values[from + i]!);
            assert.ok(
              error <= bound,
              `${dtype} ${from + i}: ${value} for ${values[from + i]}, error ${error} of ${bound}`,
            );
          }
        }
      }
    });

    it(`${type}: an infinite or NaN factor makes the largest magnitude not finite in every format`, () => {
      for (const half of halves) {
        for (const bad of [0x7c00, 0xfc00, 0x7e00]) {
          const stored = blocks.slice(0, STORED[type].blockBytes);
          stored.set([bad & 255, bad >> 8], half);
          for (const dtype of ['f32', ...Object.keys(QUANTIZED)] as WeightDType[]) {
            const { largest } = roundTripStored(stored, type, dtype);
            assert.ok(!Number.isFinite(largest), `${dtype}, ${bad.toString(16)} at ${half}: ${largest}`);
          }
        }
      }
    });
  }

  it('parts that are joined are kept by the smallest format that holds all', () => {
    const joined: [readonly StoredType[], WeightDType][] = [
      [['Q4_0', 'Q4_1'], 'q4m'],
      [['Q4_K', 'Q4_K', 'Q5_K'], 'q5m'],
      [['Q4_K', 'Q4_K', 'Q6_K'], 'q6m'],
      [['Q5_0', 'Q8_0'], 'q8'],
      [['Q4_0', 'Q8_0'], 'q8'],
      [['Q6_K', 'Q8_0'], 'f16'],
      [['Q4_1', 'Q8_0'], 'f16'],
      [['Q4_K', 'F16'], 'f16'],
      [['F16', 'F16'], 'f16'],
      [['F16', 'BF16'], 'f32'],
      [['F32', 'Q4_0'], 'f32'],
    ];
    for (const [types, dtype] of joined) assert.equal(keptFormat(...types), dtype, types.join(' + '));
  });
});

/** The blocks whose scales and minima are finite in `dtype`, one at a time, with the number of their first value. */
function* finiteBlocks(type: StoredType, dtype: QuantizedDType): Generator<{ stored: Uint8Array; from: number }> {
  const { blocks } = CASES[type]!;
  const { blockBytes, blockValues } = STORED[type];
  for (let block = 0; block * blockBytes < blocks.length; block++) {
    const stored = blocks.slice(block * blockBytes, (block + 1) * blockBytes);
    if (Number.isFinite(roundTripStored(stored, type, dtype).largest)) yield { stored, from: block * blockValues };
  }
}

function loadCases(): Partial<Record<StoredType, Case>> {
  const read = JSON.parse(readFileSync('test/fixtures/stored/blocks.json', 'utf8')) as Record<
    string,
    { blocks: string; values: string }
  >;
  const cases = TYPES.map((type) => {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
    const { blocks, values } = read[type]!;
    return [type, { ...KEPT[type]!, blocks: bytes(blocks), values: new Float32Array(bytes(values).buffer) }];
  });
  return Object.fromEntries(cases) as Partial<Record<StoredType, Case>>;
}
