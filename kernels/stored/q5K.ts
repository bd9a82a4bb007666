import { unpackScalesK } from './q4K.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** 256 values as Q4_K, with bit 4 of the codes in 32 bytes before the lower ones: bit j of byte i for value 32j + i. */
export const Q5_K = quantizedFormat({
  blockValues: 256,
  blockBytes: 176,
  group: 32,
  lowest: 0,
  highest: 31,
  hasMinimum: true,
  unpackBlock(bytes, { byte, value, group }, into) {
    unpackScalesK(bytes, byte, into, group);
    for (let i = 0; i < 256; i++) {
      const pair = bytes[byte + 48 + (i >> 6) * 32 + (i & 31)]!;
      const high = (bytes[byte + 16 + (i & 31)]! >> (i >> 5)) & 1;
      into.codes[value + i] = (i & 32 ? pair >> 4 : pair & 15) | (high << 4);
    }
  },
});
