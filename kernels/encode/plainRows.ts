import { check } from '../check.ts';
import { GROUP, emptyRows, quantize } from '../quantize.ts';
import { f32ToF16 } from '../shared/f16.ts';
import { largestMagnitude } from '../stored/decodeRows.ts';
import { f16At } from '../stored/f16.ts';
import { STORED, storedBytes } from '../stored/storedTypes.ts';

/** The types that rows can be rounded to by the plain rules of the formats that hold them (quantize.ts). */
const ENCODERS = { F16: encodeF16, Q8_0: encodeQ8_0, Q4_0: encodeQ4_0, Q4_1: encodeQ4_1 };

export type PlainType = keyof typeof ENCODERS;

/**
 * Encodes whole rows as a checkpoint stores them in the type. `largest` is their largest magnitude, which is not finite
 * where a value is not; then the bytes mean nothing.
 */
export function encodePlainRows(
  values: Float32Array,
  type: PlainType,
): { bytes: Uint8Array<ArrayBuffer>; largest: number } {
  const isWhole = values.length % STORED[type].blockValues === 0;
  check(isWhole, () => `encodePlainRows: ${values.length} values as ${type}`);
  const bytes = new Uint8Array(storedBytes(values.length, type));
  return { bytes, largest: ENCODERS[type](values, bytes) };
}

function encodeF16(values: Float32Array, { buffer }: Uint8Array): number {
  const halves = new Uint16Array(buffer);
  for (let i = 0; i < halves.length; i++) halves[i] = f32ToF16(values[i]!);
  return largestMagnitude(values);
}

/** The rule of q8, in one pass: importing waits for it. */
function encodeQ8_0(values: Float32Array, bytes: Uint8Array): number {
  const bits = bitsOf(values);
  let largest = 0;
  for (let from = 0, to = 0; from < values.length; from += GROUP) {
    const at = indexOfLargest(bits, from);
    largest = Math.max(largest, bits[at]! & MAGNITUDE);
    const inverse = putScale(Math.abs(values[at]!) / 127, bytes, to);
    to += 2;
    for (let i = from; i < from + GROUP; i++) {
      const code = Math.floor(values[i]! * inverse + 0.5) | 0;
      bytes[to++] = code < -127 ? -127 : code > 127 ? 127 : code;
    }
  }
  return floatOf(largest);
}

/** The rule of q4, in one pass. Codes have an offset of 8. */
function encodeQ4_0(values: Float32Array, bytes: Uint8Array): number {
  const bits = bitsOf(values);
  let largest = 0;
  for (let from = 0, to = 0; from < values.length; from += GROUP) {
    const at = indexOfLargest(bits, from);
    largest = Math.max(largest, bits[at]! & MAGNITUDE);
    const inverse = putScale(values[at]! / -8, bytes, to);
    to += 2;
    for (let i = from; i < from + GROUP / 2; i++) {
      const low = Math.floor(values[i]! * inverse + 0.5) | 0;
      const high = Math.floor(values[i + GROUP / 2]! * inverse + 0.5) | 0;
      bytes[to++] = codeOf4(low) | (codeOf4(high) << 4);
    }
  }
  return floatOf(largest);
}

function codeOf4(whole: number): number {
  return whole < -8 ? 0 : whole > 7 ? 15 : whole + 8;
}

/** The bits of an f32 without its sign, which are in the order of the magnitudes, with infinity and NaN above all. */
const MAGNITUDE = 0x7fffffff;

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/** The first of the values of largest magnitude in a group. */
function indexOfLargest(bits: Uint32Array, from: number): number {
  let most = 0;
  let at = from;
  for (let i = from; i < from + GROUP; i++) {
    const magnitude = bits[i]! & MAGNITUDE;
    if (magnitude > most) {
      most = magnitude;
      at = i;
    }
  }
  return at;
}

function encodeQ4_1(values: Float32Array, bytes: Uint8Array): number {
  const rows = emptyRows(values.length, 'q4m');
  quantize(values, 'q4m', rows);
  const { codes, scales, minima } = rows;
  for (let group = 0, to = 0; group < scales.length; group++) {
    putHalf(scales[group]!, bytes, to);
    putHalf(minima[group]!, bytes, to + 2);
    to += 4;
    for (let i = group * GROUP; i < group * GROUP + GROUP / 2; i++)
      bytes[to++] = codes[i]! | (codes[i + GROUP / 2]! << 4);
  }
  return largestMagnitude(values);
}

/** Writes a scale as f16, and returns what values are multiplied with. */
function putScale(scale: number, bytes: Uint8Array, at: number): number {
  putHalf(f32ToF16(scale), bytes, at);
  const rounded = f16At(bytes, at);
  return rounded === 0 ? 0 : 1 / rounded;
}

function putHalf(bits: number, bytes: Uint8Array, at: number): void {
  bytes[at] = bits & 255;
  bytes[at + 1] = bits >> 8;
}
