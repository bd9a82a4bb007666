import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** The levels: the codes that the 16 nibbles of IQ4_NL and IQ4_XS stand for. */
export const IQ4_LEVELS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** 32 values: f16 scale, 16 bytes with the level of value i in the low and of value i + 16 in the high nibble. */
export const IQ4_NL = quantizedFormat({
  blockValues: 32,
  blockBytes: 18,
  group: 32,
  lowest: -127,
  highest: 113,
  hasMinimum: false,
  levels: IQ4_LEVELS,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    scales[group] = f16At(bytes, byte);
    unpackLevels(bytes, byte + 2, codes, value);
  },
});

/** 32 codes of levels: 16 bytes with value i in the low and value i + 16 in the high nibble. */
export function unpackLevels(bytes: Uint8Array, from: number, codes: Int8Array, to: number): void {
  for (let i = 0; i < 16; i++) {
    const pair = bytes[from + i]!;
    codes[to + i] = IQ4_LEVELS[pair & 15]!;
    codes[to + 16 + i] = IQ4_LEVELS[pair >> 4]!;
  }
}
