import * as z from 'zod';
import { BadModel } from '../errors.ts';

export const positive = z
  .int()
  .positive()
  .max(1 << 24);

/**
 * Validates config.json, or the object at the key `at` of it. Throws BadModel, in one sentence that names the key.
 */
export function parseConfig<Schema extends z.ZodType>(schema: Schema, json: unknown, at?: string): z.output<Schema> {
  const parsed = schema.safeParse(json, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = at === undefined ? issue.path : [at, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    refuse(`${[...path, issue.keys[0]].join('.')} is not understood here; remove it if it has no effect`);
  }
  refuse(`${path.join('.') || 'the file'}: ${issue.input === undefined ? 'it is missing' : issue.message}`);
}

/** The named keys of config.json, without those that are null, which is absent except where `nullCounts` has the key. */
export function present(
  json: unknown,
  keys: ReadonlySet<string>,
  nullCounts: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  const entries = Object.entries(json ?? {});
  return Object.fromEntries(entries.filter(([key, value]) => keys.has(key) && (value !== null || nullCounts.has(key))));
}

/** Throws BadModel where a condition does not hold. */
export function require(ok: boolean, message: string): asserts ok {
  if (!ok) refuse(message);
}

/** Throws BadModel. */
export function refuse(message: string): never {
  throw new BadModel(`config.json: ${message}.`);
}

export interface Sizes {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** hiddenSize / heads where absent. */
  readonly headDim?: number | undefined;
}

/** Checks the sizes that every kernel relies on, and returns the size of a head. Throws BadModel. */
export function headSize({ hiddenSize, intermediateSize, heads, kvHeads, headDim: given }: Sizes): number {
  const headDim = given ?? hiddenSize / heads;
  require(Number.isInteger(headDim), `hidden_size ${hiddenSize} is not divisible by ${heads} heads`);
  const fits = headDim % 8 === 0 && headDim <= LARGEST_HEAD;
  require(fits, `the head size ${headDim} is not a multiple of 8 up to ${LARGEST_HEAD}`);
  require(heads % kvHeads === 0, `${heads} heads are not divisible by ${kvHeads} key/value heads`);
  require(hiddenSize % 32 === 0, `hidden_size ${hiddenSize} is not a multiple of 32`);
  require((heads * headDim) % 32 === 0, `${heads} heads of ${headDim} are not a multiple of 32`);
  require(intermediateSize % 32 === 0, `the intermediate size ${intermediateSize} is not a multiple of 32`);
  return headDim;
}

/** The attention kernels take heads up to this size. */
const LARGEST_HEAD = 128;
