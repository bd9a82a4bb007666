import * as z from 'zod';
import { BadModel } from '../errors.ts';
import type { LongRope } from './decoder.ts';

export const positive = z
  .int()
  .positive()
  .max(1 << 24);
const factors = z.array(z.number().positive()).min(1);

export const longRopeSchema = z.object({
  type: z.enum(['su', 'longrope']),
  short_factor: factors,
  long_factor: factors,
});

/** Validates config.json. Throws BadModel, in one sentence that names the key. */
export function parseConfig<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new BadModel(`config.json: ${issue.path.join('.') || 'the file'}: ${issue.message}.`);
}

/** Throws BadModel where a condition does not hold. */
export function require(ok: boolean, message: string): asserts ok {
  if (!ok) throw new BadModel(`config.json: ${message}.`);
}

/** Checks the sizes that every kernel relies on, and returns the size of a head. Throws BadModel. */
export function headSize(hiddenSize: number, intermediateSize: number, heads: number, kvHeads: number): number {
  const headDim = hiddenSize / heads;
  require(Number.isInteger(headDim), `hidden_size ${hiddenSize} is not divisible by ${heads} heads`);
  require(headDim % 8 === 0 && headDim <= 128, `the head size ${headDim} is not a multiple of 8 up to 128`);
  require(heads % kvHeads === 0, `${heads} heads are not divisible by ${kvHeads} key/value heads`);
  require(hiddenSize % 32 === 0, `hidden_size ${hiddenSize} is not a multiple of 32`);
  require(intermediateSize % 32 === 0, `the intermediate size ${intermediateSize} is not a multiple of 32`);
  return headDim;
}

/** Checks the factors against the head size, and adds the magnitudes of cosines and sines. Throws BadModel. */
export function longRope(
  scaling: { short_factor: readonly number[]; long_factor: readonly number[] },
  headDim: number,
  magnitudes: { short: number; long: number },
): LongRope {
  const { short_factor: shortFactor, long_factor: longFactor } = scaling;
  for (const [key, list] of Object.entries({ short_factor: shortFactor, long_factor: longFactor })) {
    require(list.length ===
      headDim / 2, `rope_scaling has ${list.length} values of ${key}, but the head size requires ${headDim / 2}`);
  }
  return { shortFactor, longFactor, shortMagnitude: magnitudes.short, longMagnitude: magnitudes.long };
}

/** sqrt(1 + ln(s) / ln(original)) with s = max / original; 1 where the context is not extended. */
export function longMagnitude(maxPositions: number, original: number): number {
  const s = maxPositions / original;
  return s <= 1 ? 1 : Math.sqrt(1 + Math.log(s) / Math.log(original));
}
