import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { keeps, keptFormat } from '../../kernels/keep.ts';
import type { Ops, Tensor, WeightDType } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT, QUANTIZED, type QuantizedDType, bytesPerValue } from '../../kernels/quantize.ts';
import { roundTripStored } from '../../kernels/reference/weight.ts';
import { f32ToF16 } from '../../kernels/shared/f16.ts';
import { PAIR_BOUND, pairError } from '../../kernels/shared/roundPair.ts';
import { decodeRows, largestMagnitude } from '../../kernels/stored/decodeRows.ts';
import { emptyBlocks } from '../../kernels/stored/quantizedFormat.ts';
import { STORED, type StoredType, storedBytes } from '../../kernels/stored/storedTypes.ts';
import { SUPER_BLOCKS, type SuperBlockDType, isSuperBlock } from '../../kernels/superBlocks.ts';
import { backends, openedFor } from '../support/engine/backends.ts';
import { assertClose } from '../support/close.ts';
import { storedRows } from '../support/storedRows.ts';
import { WEIGHT_DTYPES } from '../support/weights.ts';

/** A stored type: the format that keeps it, its f16 numbers' places in a block, and blocks with their values. */
interface Case {
  readonly kept: WeightDType;
  readonly halves: readonly number[];
  readonly blocks: Uint8Array;
  readonly values: Float32Array;
}

const KEPT: Partial<Record<StoredType, { kept: KeptDType; halves: readonly number[] }>> = {
  Q8_0: { kept: 'q8', halves: [0] },
  Q4_0: { kept: 'q4', halves: [0] },
  Q4_1: { kept: 'q4m', halves: [0, 2] },
  Q5_0: { kept: 'q5m', halves: [0] },
  Q5_1: { kept: 'q5m', halves: [0, 2] },
  Q2_K: { kept: 'q6m', halves: [80, 82] },
  Q3_K: { kept: 'q6m', halves: [108] },
  Q4_K: { kept: 'q4k', halves: [0, 2] },
  Q5_K: { kept: 'q5k', halves: [0, 2] },
  Q6_K: { kept: 'q6m', halves: [208] },
  IQ4_NL: { kept: 'q4nl', halves: [0] },
  IQ4_XS: { kept: 'q4nl', halves: [0] },
};
type KeptDType = QuantizedDType | SuperBlockDType;
const SUPER_BLOCK_DTYPES = Object.keys(SUPER_BLOCKS) as SuperBlockDType[];
const KEPT_DTYPES: KeptDType[] = [...(Object.keys(QUANTIZED) as QuantizedDType[]), ...SUPER_BLOCK_DTYPES];
const TYPES = Object.keys(KEPT) as StoredType[];
const CASES = loadCases();
/** The formats that take what is stored in a type. */
const formatsFor = (type: StoredType): WeightDType[] => [
  ...WEIGHT_DTYPES,
  ...SUPER_BLOCK_DTYPES.filter((dtype) => keeps(type, dtype)),
];

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

    it(`${type}: is kept by ${kept} within 2^-11 of the larger of product and minimum, where f16 can`, () => {
      assert.equal(keptFormat(type), kept);
      for (const dtype of KEPT_DTYPES.filter((format) => keeps(type, format))) {
        // What overflows f16 is reported below.
        for (const { stored } of blocksWithin(type, dtype, Infinity)) assertKept(stored, type, dtype);
        const { groups, missed } = assertKept(storedRows(3, 768 * 1024, type), type, dtype);
        // Super-blocks are held exactly.
        assert.ok(missed <= (isSuperBlock(dtype) ? 0 : 0.006 * groups), `${dtype}: ${missed} of ${groups} groups`);
      }
    });

    it(`${type}: an infinite or NaN factor makes the largest magnitude not finite in every format`, () => {
      for (const half of halves) {
        for (const bad of [0x7c00, 0xfc00, 0x7e00]) {
          const stored = blocks.slice(0, STORED[type].blockBytes);
          stored.set([bad & 255, bad >> 8], half);
          for (const dtype of formatsFor(type)) {
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
      [['Q4_K', 'Q4_K', 'Q5_K'], 'q5k'],
      [['Q4_K', 'Q4_1'], 'q4m'],
      [['Q5_K', 'Q5_0'], 'q5m'],
      [['Q4_K', 'Q4_K', 'Q6_K'], 'q6m'],
      [['Q5_0', 'Q8_0'], 'q8'],
      [['Q4_0', 'Q8_0'], 'q8'],
      [['IQ4_NL', 'IQ4_XS'], 'q4nl'],
      [['IQ4_NL', 'Q4_0'], 'q8'],
      [['IQ4_XS', 'Q4_K'], 'f16'],
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
      for (const dtype of formatsFor(type)) {
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

      const { kept } = KEPT[type]!;
      const { blockBytes, blockValues } = STORED[type];
      const factor = bytesPerValue(kept) / (blockBytes / blockValues);
      it(`${type}: takes ${factor.toFixed(2)} times its size, as ${kept}`, async () => {
        const { ops } = opened;
        const [rows, width] = [256, 768];
        const stored = storedRows(1, rows * width, type);
        const before = ops.bytesHeld;
        const { table } = await writeStored(ops, stored, { rows, width, dtype: kept, type });
        assertClose([(ops.bytesHeld - before) / stored.length], [factor], 1e-3);
        // The types of 2 and 3 bits have no format of so few.
        if ((8 * blockBytes) / blockValues >= 4) assert.ok(factor <= 1.25);
        if (isSuperBlock(kept)) assert.equal(factor, 1);
        ops.free(table);
      });

      it(`${type}: an infinite or NaN factor makes the largest magnitude not finite in every format`, async () => {
        const { blocks, halves } = CASES[type]!;
        for (const half of halves) {
          for (const bad of [0x7c00, 0xfc00, 0x7e00]) {
            const stored = blocks.slice(0, 5 * blockBytes);
            stored.set([bad & 255, bad >> 8], 3 * blockBytes + half);
            for (const dtype of formatsFor(type)) {
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

    it('refuses to round values to a format of super-blocks', async () => {
      const writer = opened.ops.createWeight([2, 256], 'q4k');
      for (const type of ['F32', 'Q4_1', 'Q5_K'] as const) {
        const write = writer.writeStored(storedBytes(256, type), type, async () => {});
        await assert.rejects(write, new RegExp(`q4k does not hold what is stored as ${type}`));
      }
    });
  });
}

/**
 * Checks each value of stored rows against the bound of roundPair.ts, but for groups whose scale and minimum no pair of f16
 * keeps within it. Counts these; their values are off by at most a quarter more.
 */
function assertKept(stored: Uint8Array, type: StoredType, dtype: KeptDType): { groups: number; missed: number } {
  const { group, highest, unpack } = STORED[type].quantized!;
  const { values } = decodeRows(stored, type);
  const { codes, scales, minima } = emptyBlocks(values.length, group);
  unpack(stored, { codes, scales, minima });
  const { values: got } = roundTripStored(stored, type, dtype);
  if (isSuperBlock(dtype)) assert.deepEqual(got, values);
  let missed = 0;
  for (let g = 0; g < scales.length; g++) {
    let worst = 0;
    for (let i = g * group; i < (g + 1) * group; i++) {
      const size = Math.max(Math.abs(scales[g]! * codes[i]!), Math.abs(minima[g]!));
      // The stored value itself is rounded to f32.
      const error = Math.abs(got[i]! - values[i]!) - 2 ** -24 * Math.abs(values[i]!);
      if (error > 0) worst = Math.max(worst, error / (size * PAIR_BOUND));
    }
    if (worst <= 1) continue;
    assert.ok(worst < 1.25 && !isPairFor(scales[g]!, minima[g]!, highest), `${dtype}, group ${g}: ${worst}`);
    missed++;
  }
  return { groups: scales.length, missed };
}

/** Whether two f16 among the five nearest to each number keep to the bound. */
function isPairFor(scale: number, minimum: number, highest: number): boolean {
  const near = (value: number): number[] => [-2, -1, 0, 1, 2].map((steps) => f32ToF16(value) + steps);
  return near(scale).some((s) =>
    near(minimum).some((m) => pairError(s | (m << 16), scale, minimum, highest) <= PAIR_BOUND),
  );
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
