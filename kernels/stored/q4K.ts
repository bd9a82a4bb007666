import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';
import type { UnpackedBlocks } from './storedFormat.ts';

/**
 * 256 values in 8 groups: the f16 factors of scales and of (negative) minima, 12 bytes with 8 scales and 8 minima of 6
 * bits, 128 bytes of codes. Byte i of the b-th 32 bytes holds value 64b + i in the low, 64b + 32 + i in the high nibble.
 */
export const Q4_K = quantizedFormat({
  blockValues: 256,
  blockBytes: 144,
  group: 32,
  lowest: 0,
  highest: 15,
  hasMinimum: true,
  unpackBlock(bytes, { byte, value, group }, into) {
    unpackScalesK(bytes, byte, into, group);
    for (let i = 0; i < 256; i++) {
      const pair = bytes[byte + 16 + (i >> 6) * 32 + (i & 31)]!;
      into.codes[value + i] = i & 32 ? pair >> 4 : pair & 15;
    }
  },
});

/** Scales and minima of Q4_K and Q5_K: two f16 factors, then 12 bytes. */
export function unpackScalesK(
  bytes: Uint8Array,
  from: number,
  { scales, minima }: UnpackedBlocks,
  group: number,
): void {
  const scale = f16At(bytes, from);
  const minimum = f16At(bytes, from + 2);
  for (let g = 0; g < 8; g++) {
    // Groups 0-3 have a byte each for scale and minimum, whose two high bits belong to groups 4-7.
    const at = from + 4 + (g & 3);
    const [first, second, last] = [bytes[at]!, bytes[at + 4]!, bytes[at + 8]!];
    scales[group + g] = scale * (g < 4 ? first & 63 : (last & 15) | ((first >> 6) << 4));
    minima[group + g] = -Math.fround(minimum * (g < 4 ? second & 63 : (last >> 4) | ((second >> 6) << 4)));
  }
}
