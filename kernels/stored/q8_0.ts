import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** 32 values: f16 scale, 32 int8. */
export const Q8_0 = quantizedFormat({
  blockValues: 32,
  blockBytes: 34,
  group: 32,
  lowest: -128,
  highest: 127,
  hasMinimum: false,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    scales[group] = f16At(bytes, byte);
    for (let i = 0; i < 32; i++) codes[value + i] = bytes[byte + 2 + i]!;
  },
});
