import { f16At } from './f16.ts';
import { unpackFiveBits } from './q5_0.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** 32 values: f16 scale, f16 minimum, 32 bits with bit 4 of each code, then the lower bits as in Q4_1. */
export const Q5_1 = quantizedFormat({
  blockValues: 32,
  blockBytes: 24,
  group: 32,
  lowest: 0,
  highest: 31,
  hasMinimum: true,
  unpackBlock(bytes, { byte, value, group }, { codes, scales, minima }) {
    scales[group] = f16At(bytes, byte);
    minima[group] = f16At(bytes, byte + 2);
    unpackFiveBits(bytes, byte + 4, codes, value, 0);
  },
});
