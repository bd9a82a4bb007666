import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** 32 values: f16 scale, f16 minimum, 16 bytes with the code of value i in the low and of value i + 16 in the high nibble. */
export const Q4_1 = quantizedFormat({
  blockValues: 32,
  blockBytes: 20,
  group: 32,
  lowest: 0,
  highest: 15,
  hasMinimum: true,
  unpackBlock(bytes, { byte, value, group }, { codes, scales, minima }) {
    scales[group] = f16At(bytes, byte);
    minima[group] = f16At(bytes, byte + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[byte + 4 + i]!;
      codes[value + i] = pair & 15;
      codes[value + 16 + i] = pair >> 4;
    }
  },
});
