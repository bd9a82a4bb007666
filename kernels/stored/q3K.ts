import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/**
 * 256 values in 16 groups: 32 bytes with bit 2 of code + 4 (bit j of byte i for value 32j + i), 64 bytes with the lower
 * two bits as in Q2_K, 12 bytes of 6-bit scales + 32, the f16 factor of the scales.
 */
export const Q3_K = quantizedFormat({
  blockValues: 256,
  blockBytes: 110,
  group: 16,
  lowest: -4,
  highest: 3,
  hasMinimum: false,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    const factor = f16At(bytes, byte + 108);
    for (let g = 0; g < 16; g++) {
      const low = (bytes[byte + 96 + (g & 7)]! >> (g < 8 ? 0 : 4)) & 15;
      const high = (bytes[byte + 104 + (g & 3)]! >> ((g >> 2) * 2)) & 3;
      scales[group + g] = factor * ((low | (high << 4)) - 32);
    }
    for (let i = 0; i < 256; i++) {
      const low = (bytes[byte + 32 + (i >> 7) * 32 + (i & 31)]! >> (((i >> 5) & 3) * 2)) & 3;
      const high = (bytes[byte + (i & 31)]! >> (i >> 5)) & 1;
      codes[value + i] = (low | (high << 2)) - 4;
    }
  },
});
