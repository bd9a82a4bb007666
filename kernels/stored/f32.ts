import type { StoredFormat } from './storedFormat.ts';

export const F32: StoredFormat = {
  blockValues: 1,
  blockBytes: 4,
  decode({ buffer, byteOffset }, values) {
    values.set(new Float32Array(buffer, byteOffset, values.length));
  },
};
