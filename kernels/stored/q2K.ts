import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/**
 * 256 values in 16 groups: 16 bytes with 4 bits of scale (low) and minimum (high) each, 64 bytes of codes, then the f16
 * factors of scales and of (negative) minima. Byte i of the b-th 32 bytes of codes holds values 128b + 32j + i, j < 4.
 */
export const Q2_K = quantizedFormat({
  blockValues: 256,
  blockBytes: 84,
  group: 16,
  lowest: 0,
  highest: 3,
  hasMinimum: true,
  unpackBlock(bytes, { byte, value, group }, { codes, scales, minima }) {
    const scale = f16At(bytes, byte + 80);
    const minimum = f16At(bytes, byte + 82);
    for (let g = 0; g < 16; g++) {
      scales[group + g] = scale * (bytes[byte + g]! & 15);
      minima[group + g] = -Math.fround(minimum * (bytes[byte + g]! >> 4));
    }
    for (let i = 0; i < 256; i++) {
      const from = byte + 16 + (i >> 7) * 32 + (i & 31);
      codes[value + i] = (bytes[from]! >> (((i >> 5) & 3) * 2)) & 3;
    }
  },
});
