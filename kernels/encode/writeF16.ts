import { f32ToF16 } from '../shared/f16.ts';

/** Writes a value as a little-endian f16. */
export function writeF16(into: Uint8Array, at: number, value: number): void {
  const bits = f32ToF16(value);
  into[at] = bits & 255;
  into[at + 1] = bits >> 8;
}
