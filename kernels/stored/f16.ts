import { f16ToF32 } from '../shared/f16.ts';
import type { StoredFormat } from './storedFormat.ts';

export const F16: StoredFormat = {
  blockValues: 1,
  blockBytes: 2,
  decode({ buffer, byteOffset }, values) {
    const table = f16Table();
    const halves = new Uint16Array(buffer, byteOffset, values.length);
    for (let i = 0; i < values.length; i++) values[i] = table[halves[i]!]!;
  },
};

/** The f16 at byte `at`, which may be odd. */
export function f16At(bytes: Uint8Array, at: number): number {
  return f16Table()[bytes[at]! | (bytes[at + 1]! << 8)]!;
}

let f16Values: Float32Array | undefined;

/** The f32 values of all 65,536 f16 numbers, computed at first use. */
function f16Table(): Float32Array {
  if (!f16Values) {
    f16Values = new Float32Array(65536);
    for (let bits = 0; bits < f16Values.length; bits++) f16Values[bits] = f16ToF32(bits);
  }
  return f16Values;
}
