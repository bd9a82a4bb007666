import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** 32 values: f16 scale, 16 bytes with code + 8 of value i in the low and of value i + 16 in the high nibble. */
export const Q4_0 = quantizedFormat({
  blockValues: 32,
  blockBytes: 18,
  group: 32,
  lowest: -8,
  highest: 7,
  hasMinimum: false,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    scales[group] = f16At(bytes, byte);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[byte + 2 + i]!;
      codes[value + i] = (pair & 15) - 8;
      codes[value + 16 + i] = (pair >> 4) - 8;
    }
  },
});
