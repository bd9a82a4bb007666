import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/**
 * 256 values in 16 groups: 128 bytes with the lower four bits of code + 32, 64 bytes with the upper two, 16 int8 scales,
 * their f16 factor. By halves of 128 values: byte i of 64 holds value i in the low, i + 64 in the high nibble; byte i of
 * 32 holds the upper bits of values i, i + 32, i + 64, i + 96.
 */
export const Q6_K = quantizedFormat({
  blockValues: 256,
  blockBytes: 210,
  group: 16,
  lowest: -32,
  highest: 31,
  hasMinimum: false,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    const factor = f16At(bytes, byte + 208);
    for (let g = 0; g < 16; g++) scales[group + g] = factor * ((bytes[byte + 192 + g]! << 24) >> 24);
    for (let i = 0; i < 256; i++) {
      const half = i >> 7;
      const pair = bytes[byte + half * 64 + (i & 63)]!;
      const high = (bytes[byte + 128 + half * 32 + (i & 31)]! >> (((i >> 5) & 3) * 2)) & 3;
      codes[value + i] = ((i & 64 ? pair >> 4 : pair & 15) | (high << 4)) - 32;
    }
  },
});
