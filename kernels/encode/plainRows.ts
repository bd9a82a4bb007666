import { check } from '../check.ts';
import { GROUP, emptyRows, quantize } from '../quantize.ts';
import { f16ToF32, f32ToF16 } from '../shared/f16.ts';
import { largestMagnitude } from '../stored/decodeRows.ts';
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
  const most = new Extremes(values);
  for (let from = 0, to = 0; from < values.length; from += GROUP) {
    const inverse = putScale(Math.abs(most.ofGroup(from)) / 127, bytes, to);
    to += 2;
    for (let i = from; i < from + GROUP; i++) {
      const code = Math.floor(values[i]! * inverse + 0.5);
      bytes[to++] = code < -127 ? -127 : code > 127 ? 127 : code;
    }
  }
  return most.largest;
}

/** The rule of q4, in one pass. Codes have an offset of 8. */
function encodeQ4_0(values: Float32Array, bytes: Uint8Array): number {
  const most = new Extremes(values);
  for (let from = 0, to = 0; from < values.length; from += GROUP) {
    const inverse = putScale(most.ofGroup(from) / -8, bytes, to);
    to += 2;
    for (let i = from; i < from + GROUP / 2; i++) {
      const low = Math.floor(values[i]! * inverse + 0.5);
      const high = Math.floor(values[i + GROUP / 2]! * inverse + 0.5);
      bytes[to++] = codeOf4(low) | (codeOf4(high) << 4);
    }
  }
  return most.largest;
}

function codeOf4(whole: number): number {
  return whole < -8 ? 0 : whole > 7 ? 15 : whole + 8;
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

/** Finds the value of largest magnitude in each group. Magnitudes of f32 are in the order of their bits (see decodeRows.ts). */
class Extremes {
  readonly #values: Float32Array;
  readonly #bits: Uint32Array;
  #largest = 0;

  constructor(values: Float32Array) {
    this.#values = values;
    this.#bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  }

  /** The first of the largest, with its sign. */
  ofGroup(from: number): number {
    let most = 0;
    let at = from;
    for (let i = from; i < from + GROUP; i++) {
      const magnitude = this.#bits[i]! & 0x7fffffff;
      if (magnitude > most) {
        most = magnitude;
        at = i;
      }
    }
    if (most > this.#largest) this.#largest = most;
    return this.#values[at]!;
  }

  /** The largest magnitude of all groups so far. */
  get largest(): number {
    return new Float32Array(Uint32Array.of(this.#largest).buffer)[0]!;
  }
}

/** Writes a scale as f16, and returns what values are multiplied with. */
function putScale(scale: number, bytes: Uint8Array, at: number): number {
  const bits = f32ToF16(scale);
  putHalf(bits, bytes, at);
  const rounded = f16ToF32(bits);
  return rounded === 0 ? 0 : 1 / rounded;
}

function putHalf(bits: number, bytes: Uint8Array, at: number): void {
  bytes[at] = bits & 255;
  bytes[at + 1] = bits >> 8;
}
