import { f16At } from './f16.ts';
import { IQ4_LEVELS, unpackLevels } from './iq4NL.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/**
 * 256 values in 8 groups: the f16 factor of the scales, 16 bits with the upper two bits of scale + 32 of each group, 4
 * bytes with the lower four bits (even groups in the low nibbles), then 16 bytes of levels per group as in IQ4_NL.
 */
export const IQ4_XS = quantizedFormat({
  blockValues: 256,
  blockBytes: 136,
  group: 32,
  lowest: -127,
  highest: 113,
  hasMinimum: false,
  levels: IQ4_LEVELS,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    const factor = f16At(bytes, byte);
    for (let g = 0; g < 8; g++) {
      const low = (bytes[byte + 4 + (g >> 1)]! >> ((g & 1) * 4)) & 15;
      const high = (bytes[byte + 2 + (g >> 2)]! >> ((g & 3) * 2)) & 3;
      scales[group + g] = factor * ((low | (high << 4)) - 32);
      unpackLevels(bytes, byte + 8 + g * 16, codes, value + g * 32);
    }
  },
});
