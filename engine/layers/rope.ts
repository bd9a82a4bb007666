import type { DecoderConfig } from '../models/decoder.ts';

/**
 * Computes cosines and sines of `count` positions from `start`, (count, headDim), as Ops.appendKv takes them. Angles are
 * in f32, as in the checkpoints' own code. `totalLength`, the number of stored and new tokens, selects the LongRoPE
 * factors: the long ones iff it exceeds originalMaxPositions.
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
    for (let i = 0; i < half; i++) {
      const angle = Math.fround((start + t) * positionScale * frequencies[i]!);
      table[t * config.headDim + i] = Math.cos(angle) * magnitude;
      table[t * config.headDim + half + i] = Math.sin(angle) * magnitude;
    }
  }
  return table;
}

/** Whether a sequence of this length is rotated with the long factors. A cache with other factors must be recomputed. */
export function usesLongFactors(config: DecoderConfig, totalLength: number): boolean {
  return config.longRope !== null && totalLength > config.originalMaxPositions;
}

/** inv_i = 1 / (factor_i theta^(2i / headDim)), (headDim / 2). */
function inverseFrequencies({ headDim, ropeTheta, longRope }: DecoderConfig, long: boolean): Float32Array {
  const factors = longRope && (long ? longRope.longFactor : longRope.shortFactor);
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const power = Math.fround(ropeTheta ** Math.fround((2 * i) / headDim));
    return 1 / Math.fround(Math.fround(factors?.[i] ?? 1) * power);
  });
}
