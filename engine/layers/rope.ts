import type { DecoderConfig } from '../models/decoder.ts';

/**
 * Computes cosines and sines of `count` positions from `start`, (count, headDim), as Ops.appendKv takes them. Angles are
 * in f32, as in the checkpoints' own code. `totalLength`, the number of stored and new tokens, selects the LongRoPE
 * factors: the long ones iff it exceeds originalMaxPositions. Pairs beyond rotaryDim are not rotated.
 */
export function ropeTable(config: DecoderConfig, start: number, count: number, totalLength: number): Float32Array {
  const half = config.headDim / 2;
  const long = usesLongFactors(config, totalLength);
  const { longRope } = config;
  const frequencies = inverseFrequencies(config, long);
  const magnitude = longRope ? (long ? longRope.longMagnitude : longRope.shortMagnitude) : 1;
  const positionScale = longRope ? 1 : config.ropePositionScale;
  const table = new Float32Array(count * config.headDim);
  for (let t = 0; t < count; t++) {
    const cosines = t * config.headDim;
    table.fill(1, cosines + frequencies.length, cosines + half);
    for (let i = 0; i < frequencies.length; i++) {
      const angle = Math.fround((start + t) * positionScale * frequencies[i]!);
      table[cosines + i] = Math.cos(angle) * magnitude;
      table[cosines + half + i] = Math.sin(angle) * magnitude;
    }
  }
  return table;
}

/** Whether a sequence of this length is rotated with the long factors. A cache with other factors must be recomputed. */
export function usesLongFactors(config: DecoderConfig, totalLength: number): boolean {
  return config.longRope !== null && totalLength > config.originalMaxPositions;
}

/**
 * The order of a head's dimensions in which the pairs that are rotated, (i, i + rotaryDim / 2), are the kernels' first
 * pairs (i, i + headDim / 2): dimension i of a head is dimension order[i] of the checkpoint's head. undefined where the
 * whole head is rotated.
 */
export function rotaryOrder(headDim: number, rotaryDim: number): readonly number[] | undefined {
  if (rotaryDim === headDim) return undefined;
  const rotated = rotaryDim / 2;
  const passed = (headDim - rotaryDim) / 2;
  const range = (first: number, length: number): number[] => Array.from({ length }, (_, i) => first + i);
  return [
    ...range(0, rotated),
    ...range(rotaryDim, passed),
    ...range(rotated, rotated),
    ...range(rotaryDim + passed, passed),
  ];
}

/** inv_i = 1 / (factor_i theta^(2i / rotaryDim)), (rotaryDim / 2). */
function inverseFrequencies(config: DecoderConfig, long: boolean): Float32Array {
  const { rotaryDim, ropeTheta, longRope, ropeFactors } = config;
  const factors = longRope ? (long ? longRope.longFactor : longRope.shortFactor) : ropeFactors;
  return Float32Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const power = Math.fround(ropeTheta ** Math.fround((2 * i) / rotaryDim));
    return 1 / Math.fround(Math.fround(factors?.[i] ?? 1) * power);
  });
}
