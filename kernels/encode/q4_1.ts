import { type WeightedGroup, fitAffine, nearestCode } from './leastSquares.ts';
import { writeF16 } from './writeF16.ts';

const HIGHEST = 15;

/** Encodes 32 values as a block of Q4_1 (kernels/stored/q4_1.ts) of small weighted squared error. */
export function encodeQ4_1(group: WeightedGroup, into: Uint8Array): void {
  const { values } = group;
  const affine = fitAffine(group, HIGHEST);
  writeF16(into, 0, affine.scale);
  writeF16(into, 2, affine.minimum);
  for (let i = 0; i < 16; i++) {
    into[4 + i] = nearestCode(values[i]!, affine, HIGHEST) | (nearestCode(values[i + 16]!, affine, HIGHEST) << 4);
  }
}
