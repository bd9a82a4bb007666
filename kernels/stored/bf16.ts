import type { StoredFormat } from './storedFormat.ts';

/** The upper half of an f32. */
export const BF16: StoredFormat = {
  blockValues: 1,
  blockBytes: 2,
  decode({ buffer, byteOffset }, values) {
    const halves = new Uint16Array(buffer, byteOffset, values.length);
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  },
};
