import { mulberry32 } from '../../../../engine/inference/random.ts';

/** Seeded bytes. */
export function randomBytes(length: number, seed: number): Buffer {
  const next = mulberry32(seed);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(next() * 256)));
}
