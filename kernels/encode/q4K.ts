import { f16ToF32, f32ToF16 } from '../shared/f16.ts';
import { type WeightedGroup, affineError, fitAffine, nearestCode } from './leastSquares.ts';
import { writeF16 } from './writeF16.ts';

const GROUP = 32;
const GROUPS = 8;
/** The highest code of a value, and of a scale or minimum. */
const HIGHEST = 15;
const HIGHEST_FACTOR = 63;
/** More rounds change the error by less than 0.1 %. */
const ROUNDS = 3;

/**
 * Encodes 256 values as a block of Q4_K (kernels/stored/q4K.ts) of small weighted squared error. Scales and minima of the
 * groups are fitted alone and rounded to 6 bits. Then the groups choose again among the neighbours of their 6-bit
 * numbers, and the block's two factors are fitted to what they chose, in turns.
 */
export function encodeQ4K({ values, weights }: WeightedGroup, into: Uint8Array): void {
  const groups = Array.from({ length: GROUPS }, (_, g) => ({
    values: values.subarray(g * GROUP, (g + 1) * GROUP),
    weights: weights.subarray(g * GROUP, (g + 1) * GROUP),
  }));
  let block = start(groups);
  for (let round = 0; round < ROUNDS; round++) {
    const moved = moveFactors(groups, block);
    const fitted = withFactors(groups, moved, fitFactors(groups, moved));
    block = fitted.error < moved.error ? fitted : moved;
  }
  write(groups, block, into);
}

/** scale of a group = scale * scales[g], minimum = -minimum * minima[g]. */
interface Block {
  readonly scale: number;
  readonly minimum: number;
  readonly scales: readonly number[];
  readonly minima: readonly number[];
  readonly error: number;
}

type Factors = Pick<Block, 'scale' | 'minimum'>;

function start(groups: readonly WeightedGroup[]): Block {
  const fits = groups.map((group) => fitAffine(group, HIGHEST, 0));
  const scale = inF16(Math.max(...fits.map((fit) => fit.scale)) / HIGHEST_FACTOR);
  const minimum = inF16(Math.max(...fits.map((fit) => -fit.minimum)) / HIGHEST_FACTOR);
  const scales = fits.map((fit) => wholeFactor(fit.scale, scale));
  const minima = fits.map((fit) => wholeFactor(-fit.minimum, minimum));
  return withFactors(groups, { scale, minimum, scales, minima, error: 0 }, { scale, minimum });
}

function wholeFactor(value: number, factor: number): number {
  return factor === 0 ? 0 : Math.min(HIGHEST_FACTOR, Math.round(value / factor));
}

function withFactors(groups: readonly WeightedGroup[], block: Block, { scale, minimum }: Factors): Block {
  let error = 0;
  groups.forEach((group, g) => {
    error += affineError(group, scale * block.scales[g]!, -minimum * block.minima[g]!, HIGHEST);
  });
  return { ...block, scale, minimum, error };
}

/** Gives each group the best of its 6-bit numbers and their neighbours. */
function moveFactors(groups: readonly WeightedGroup[], { scale, minimum, scales, minima }: Block): Block {
  const moved = groups.map((group, g) => {
    let best = { scale: scales[g]!, minimum: minima[g]!, error: Infinity };
    for (const s of neighbours(scales[g]!)) {
      for (const m of neighbours(minima[g]!)) {
        const error = affineError(group, scale * s, -minimum * m, HIGHEST);
        if (error < best.error) best = { scale: s, minimum: m, error };
      }
    }
    return best;
  });
  return {
    scale,
    minimum,
    scales: moved.map((group) => group.scale),
    minima: moved.map((group) => group.minimum),
    error: moved.reduce((sum, { error }) => sum + error, 0),
  };
}

function neighbours(factor: number): number[] {
  return [factor - 1, factor, factor + 1].filter((value) => value >= 0 && value <= HIGHEST_FACTOR);
}

/** The block's factors of least weighted squared error for the codes and 6-bit numbers that are chosen. */
function fitFactors(groups: readonly WeightedGroup[], block: Block): Factors {
  let [aa, ab, bb, ax, bx] = [0, 0, 0, 0, 0]; // Of value = scale a - minimum b.
  groups.forEach(({ values, weights }, g) => {
    const affine = affineOf(block, g);
    const b = -block.minima[g]!;
    for (let i = 0; i < GROUP; i++) {
      const [value, weight] = [values[i]!, weights[i]!];
      const a = block.scales[g]! * nearestCode(value, affine, HIGHEST);
      aa += weight * a * a;
      ab += weight * a * b;
      bb += weight * b * b;
      ax += weight * a * value;
      bx += weight * b * value;
    }
  });
  const determinant = aa * bb - ab * ab;
  if (determinant <= 0) return block;
  const scale = inF16((ax * bb - bx * ab) / determinant);
  const minimum = inF16((bx * aa - ax * ab) / determinant);
  return scale > 0 && minimum >= 0 ? { scale, minimum } : block;
}

function affineOf({ scale, minimum, scales, minima }: Block, group: number): Factors {
  return { scale: scale * scales[group]!, minimum: -minimum * minima[group]! };
}

function write(groups: readonly WeightedGroup[], block: Block, into: Uint8Array): void {
  const { scales, minima } = block;
  writeF16(into, 0, block.scale);
  writeF16(into, 2, block.minimum);
  // Groups 0-3 have a byte each for scale and minimum, whose two high bits belong to groups 4-7.
  for (let g = 0; g < 4; g++) {
    into[4 + g] = scales[g]! | ((scales[g + 4]! >> 4) << 6);
    into[8 + g] = minima[g]! | ((minima[g + 4]! >> 4) << 6);
    into[12 + g] = (scales[g + 4]! & 15) | ((minima[g + 4]! & 15) << 4);
  }
  groups.forEach(({ values }, g) => {
    const affine = affineOf(block, g);
    const at = 16 + (g >> 1) * GROUP;
    for (let i = 0; i < GROUP; i++) {
      const code = nearestCode(values[i]!, affine, HIGHEST);
      into[at + i] = g & 1 ? into[at + i]! | (code << 4) : code;
    }
  });
}

function inF16(value: number): number {
  return f16ToF32(f32ToF16(value));
}
