/** How stored weights enter a quantised format: codes are taken over where the format can hold them. */
import type { WeightDType } from './ops.ts';
import { GROUP, QUANTIZED, type QuantizedDType, type QuantizedRows, quantize } from './quantize.ts';
import { f16ToF32, f32ToF16 } from './shared/f16.ts';
import { roundPair } from './shared/roundPair.ts';
import { decodeRows } from './stored/decodeRows.ts';
import { emptyBlocks } from './stored/quantizedFormat.ts';
import type { QuantizedBlocks, UnpackedBlocks } from './stored/storedFormat.ts';
import { STORED, type StoredType, storedValues } from './stored/storedTypes.ts';
import { SUPER_BLOCKS, isSuperBlock } from './superBlocks.ts';

/** From the fewest bits to the most. */
const BY_SIZE = [
  'q4',
  'q4nl',
  'q4k',
  'q4m',
  'q5k',
  'q5m',
  'q6m',
  'q8',
  'f16',
  'f32',
] as const satisfies readonly WeightDType[];

/**
 * The smallest format that holds all of the stored types without rounding them again: that of a tensor, or of one that
 * is joined from parts. Scales and minima are products in some types; outside of super-blocks, they become f16 with a
 * relative error of 2^-11 at most. So do the values where no format has the codes of all parts: then it is f16.
 */
export function keptFormat(...types: readonly StoredType[]): WeightDType {
  return BY_SIZE.find((dtype) => types.every((type) => keeps(type, dtype)))!;
}

/** Whether a format holds what is stored in a type without rounding it again (see keptFormat). */
export function keeps(type: StoredType, dtype: WeightDType): boolean {
  const { quantized } = STORED[type];
  if (dtype === 'f32') return true;
  if (dtype === 'f16') return quantized !== undefined || type === 'F16';
  if (isSuperBlock(dtype)) return SUPER_BLOCKS[dtype].keeps.includes(type);
  return quantized !== undefined && keepsCodes(quantized, dtype);
}

function keepsCodes(blocks: QuantizedBlocks, dtype: QuantizedDType): boolean {
  const { group, lowest, highest, hasMinimum, levels } = blocks;
  const format = QUANTIZED[dtype];
  if (group % format.group !== 0 || (hasMinimum && !format.hasMinimum)) return false;
  if (format.levels) return format.levels === levels;
  // A minimum stands in for the offset of codes that have signs.
  const least = format.hasMinimum ? lowest : format.lowest;
  return lowest >= least && highest < least + 2 ** format.bits;
}

/**
 * Stored rows in a quantised format: their codes where it keeps them, and otherwise their values, quantised. Returns the
 * largest magnitude of the values, which is not finite where a value, or a scale or minimum in f16, is not.
 */
export function quantizeStored(
  bytes: Uint8Array,
  type: StoredType,
  dtype: QuantizedDType,
  into: QuantizedRows,
): number {
  const { quantized } = STORED[type];
  if (quantized && keepsCodes(quantized, dtype)) return takeOver(bytes, type, quantized, dtype, into);
  const { values, largest } = decodeRows(bytes, type);
  quantize(values, dtype, into);
  return largest;
}

function takeOver(
  bytes: Uint8Array,
  type: StoredType,
  blocks: QuantizedBlocks,
  dtype: QuantizedDType,
  { codes, scales, minima }: QuantizedRows,
): number {
  const unpacked = roomFor(storedValues(bytes.length, type), blocks.group);
  blocks.unpack(bytes, unpacked);
  const { hasMinimum, group } = QUANTIZED[dtype];
  const offset = hasMinimum ? -blocks.lowest : 0;
  for (let i = 0; i < unpacked.codes.length; i++) codes[i] = unpacked.codes[i]! + offset;
  let finite = true;
  for (let g = 0; g < scales.length; g++) {
    const from = Math.floor((g * group) / blocks.group);
    if (blocks.hasMinimum) {
      const pair = roundPair(unpacked.scales[from]!, unpacked.minima[from]!, blocks.highest);
      scales[g] = pair;
      minima[g] = pair >>> 16;
    } else {
      scales[g] = f32ToF16(unpacked.scales[from]!);
      // The minimum undoes the offset of the codes; its product with the scale is exact in f16.
      if (hasMinimum) minima[g] = f32ToF16(-offset * f16ToF32(scales[g]!));
    }
    finite &&= isFiniteF16(scales[g]!) && !(hasMinimum && !isFiniteF16(minima[g]!));
  }
  return finite ? largestUnpacked(unpacked, blocks) : Infinity;
}

/** The largest magnitude of finite values, which is that of the lowest or the highest code of a group. */
export function largestUnpacked(
  { codes, scales, minima }: UnpackedBlocks,
  { group, hasMinimum }: QuantizedBlocks,
): number {
  let largest = 0;
  for (let g = 0; g < scales.length; g++) {
    let lowest = codes[g * group]!;
    let highest = lowest;
    for (let i = g * group + 1; i < (g + 1) * group; i++) {
      const code = codes[i]!;
      if (code < lowest) lowest = code;
      if (code > highest) highest = code;
    }
    const minimum = hasMinimum ? minima[g]! : 0;
    const first = Math.fround(Math.fround(scales[g]! * lowest) + minimum);
    const last = Math.fround(Math.fround(scales[g]! * highest) + minimum);
    largest = Math.max(largest, Math.abs(first), Math.abs(last));
  }
  return largest;
}

/** Where rows are unpacked: the same room for rows of the same length. */
let room = emptyBlocks(0, GROUP);

function roomFor(values: number, group: number): UnpackedBlocks {
  if (room.codes.length !== values || room.scales.length !== values / group) room = emptyBlocks(values, group);
  return room;
}

function isFiniteF16(bits: number): boolean {
  return (bits & 0x7c00) !== 0x7c00;
}
