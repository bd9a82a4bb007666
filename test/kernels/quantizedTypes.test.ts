import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { keeps, keptFormat } from '../../kernels/keep.ts';
import type { Ops, Tensor, WeightDType } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT, QUANTIZED, type QuantizedDType } from '../../kernels/quantize.ts';
import { roundTripStored } from '../../kernels/reference/weight.ts';
import { decodeRows, largestMagnitude } from '../../kernels/stored/decodeRows.ts';
import { emptyBlocks } from '../../kernels/stored/quantizedFormat.ts';
import { STORED, type StoredType, storedBytes } from '../../kernels/stored/storedTypes.ts';
import { backends, openedFor } from '../support/engine/backends.ts';

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
        for (const { stored, from } of blocksWithin(type, dtype, Infinity)) {
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

for (const backend of backends) {
  describe(`quantised stored types, on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);

    for (const type of TYPES) {
      for (const dtype of ['f32', 'f16', ...Object.keys(QUANTIZED)] as WeightDType[]) {
        it(`${type} as ${dtype}: the values of the reference bit for bit, and the largest magnitude`, async () => {
          const { ops } = opened;
          const { stored, width, rows } = finiteRows(type, dtype);
          const got = await writeStored(ops, stored, { rows, width, dtype, type });
          const values = await ops.step(() => ops.embed(got.table, [...Array(rows).keys()]));
          const want = roundTripStored(stored, type, dtype);
          for (const [i, value] of want.values.entries())
            assert.ok(
              values[i] === value,
              `row ${Math.floor(i / width)} [${i % width}]: ${values[i]}, wanted ${value}`,
            );
          assert.equal(got.largest, want.largest);
          ops.free(got.table);
        });
      }

      it(`${type}: an infinite or NaN factor makes the largest magnitude not finite in every format`, async () => {
        const { blocks, halves } = CASES[type]!;
        const { blockBytes, blockValues } = STORED[type];
        for (const half of halves) {
          for (const bad of [0x7c00, 0xfc00, 0x7e00]) {
            const stored = blocks.slice(0, 5 * blockBytes);
            stored.set([bad & 255, bad >> 8], 3 * blockBytes + half);
            for (const dtype of ['f32', 'f16', ...Object.keys(QUANTIZED)] as WeightDType[]) {
              const shape = { rows: 5, width: blockValues, dtype, type };
              const { table, largest } = await writeStored(opened.ops, stored, shape);
              assert.ok(!Number.isFinite(largest), `${dtype}, ${bad.toString(16)} at ${half}: ${largest}`);
              opened.ops.free(table);
            }
          }
        }
      });
    }

    it('refuses rows that are not whole blocks', async () => {
      const writer = opened.ops.createWeight([2, 288], 'q4m');
      const write = (type: StoredType, bytes: number) => writer.writeStored(bytes, type, async () => {});
      await assert.rejects(write('Q4_K', 288), /rows of 288 are not blocks of 256, as Q4_K has them/);
      await assert.rejects(write('Q4_1', 100), /100 bytes of Q4_1/);
    });
  });
}

/** Rows of blocks in a changing order, an odd number of them, without the blocks whose values `dtype` cannot have. */
function finiteRows(type: StoredType, dtype: WeightDType): { stored: Uint8Array; width: number; rows: number } {
  const { blockBytes, blockValues } = STORED[type];
  const blocks = blocksWithin(type, dtype, LARGEST_WEIGHT[dtype]).map(({ stored }) => stored);
  const [rows, perRow] = [43, 768 / blockValues];
  const stored = new Uint8Array(rows * perRow * blockBytes);
  for (let i = 0; i < rows * perRow; i++) stored.set(blocks[(i * i + i) % blocks.length]!, i * blockBytes);
  return { stored, width: 768, rows };
}

/** Writes rows in pieces of five. */
async function writeStored(
  ops: Ops,
  stored: Uint8Array,
  { rows, width, dtype, type }: { rows: number; width: number; dtype: WeightDType; type: StoredType },
): Promise<{ table: Tensor; largest: number }> {
  const writer = ops.createWeight([rows, width], dtype);
  const rowBytes = stored.length / rows;
  const magnitudes: Promise<number>[] = [];
  for (let row = 0; row < rows; row += 5) {
    const piece = stored.subarray(row * rowBytes, Math.min(rows, row + 5) * rowBytes);
    magnitudes.push(writer.writeStored(piece.length, type, async (into) => into.set(piece)));
  }
  const largest = Math.max(...(await Promise.all(magnitudes)));
  return { table: await writer.finish(), largest };
}

/** The blocks whose largest magnitude in `dtype` is finite and within a limit, with the number of their first value. */
function blocksWithin(type: StoredType, dtype: WeightDType, limit: number): { stored: Uint8Array; from: number }[] {
  const { blocks } = CASES[type]!;
  const { blockBytes, blockValues } = STORED[type];
  return Array.from({ length: blocks.length / blockBytes }, (_, block) => ({
    stored: blocks.slice(block * blockBytes, (block + 1) * blockBytes),
    from: block * blockValues,
  })).filter(({ stored }) => {
    const { largest } = roundTripStored(stored, type, dtype);
    return Number.isFinite(largest) && largest <= limit;
  });
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
