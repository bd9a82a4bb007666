import { f16At } from './f16.ts';
import { quantizedFormat } from './quantizedFormat.ts';

/** 32 values: f16 scale, 32 bits with bit 4 of each code + 16, then the lower bits as in Q4_0. */
export const Q5_0 = quantizedFormat({
  blockValues: 32,
  blockBytes: 22,
  group: 32,
  lowest: -16,
  highest: 15,
  hasMinimum: false,
  unpackBlock(bytes, { byte, value, group }, { codes, scales }) {
    scales[group] = f16At(bytes, byte);
    unpackFiveBits(bytes, byte + 2, codes, value, -16);
  },
});

/** 32 codes of 5 bits plus `offset`: 32 bits with their bit 4, then 16 bytes with values i and i + 16 in each. */
export function unpackFiveBits(bytes: Uint8Array, from: number, codes: Int8Array, to: number, offset: number): void {
  for (let i = 0; i < 16; i++) {
    const pair = bytes[from + 4 + i]!;
    const shift = i & 7;
    const low = (bytes[from + (i >> 3)]! >> shift) & 1;
    const high = (bytes[from + 2 + (i >> 3)]! >> shift) & 1;
    codes[to + i] = ((pair & 15) | (low << 4)) + offset;
    codes[to + 16 + i] = ((pair >> 4) | (high << 4)) + offset;
  }
}
