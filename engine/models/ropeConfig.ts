import * as z from 'zod';
import { parseConfig, refuse, require } from './config.ts';
import type { LongRope, RopeConfig } from './decoder.ts';

const positive = z.number().positive();
const factors = z.array(positive).min(1);
const magnitude = z.number().nullish();

/**
 * The keys of config.json about rope: `rope_scaling` as written up to version 4 of transformers, `rope_parameters` as
 * written by version 5, and what may stand beside them.
 */
export const ROPE_KEYS = {
  rope_theta: positive.nullish(),
  partial_rotary_factor: positive.max(1).nullish(),
  original_max_position_embeddings: z.int().min(2).nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
};

type RopeKeys = { readonly [Key in keyof typeof ROPE_KEYS]?: z.output<(typeof ROPE_KEYS)[Key]> };

export interface RopeDefaults {
  readonly theta: number;
  /** Original length for LongRoPE where config.json gives none; undefined where it must. */
  readonly original?: number | undefined;
  /**
   * Whether a part of a head may be rotated without scaling. In the classes of other models transformers ignores
   * partial_rotary_factor there, and fails where there is scaling.
   */
  readonly partial?: boolean;
  /**
   * For models with magnitudes of their own for short and long factors (short_mscale, long_mscale): the short one where
   * config.json gives none. The other models have one magnitude for both.
   */
  readonly shortMagnitude?: number;
}

/** Keys that a block may have whatever its type. */
const COMMON = {
  type: z.string().nullish(),
  rope_type: z.string().nullish(),
  rope_theta: positive.nullish(),
  partial_rotary_factor: positive.max(1).nullish(),
};
const original = { original_max_position_embeddings: z.int().min(2).nullish() };

/** The kinds of rope, by rope_type. `factors` is our own: GGUF files have the divisors of Llama 3 instead of its formula. */
const KINDS = {
  default: z.strictObject(COMMON),
  linear: z.strictObject({ ...COMMON, factor: positive }),
  llama3: z.strictObject({
    ...COMMON,
    ...original,
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
  }),
  longrope: z.strictObject({
    ...COMMON,
    ...original,
    short_factor: factors,
    long_factor: factors,
    factor: positive.nullish(),
    attention_factor: positive.nullish(),
    short_mscale: magnitude,
    long_mscale: magnitude,
  }),
  factors: z.strictObject({ ...COMMON, factors }),
};
type Kind = keyof typeof KINDS;

/** Other names of the same kinds. */
const SYNONYMS: Readonly<Record<string, Kind>> = { su: 'longrope' };

/**
 * Reads how a model rotates queries and keys, as transformers 5 does: where both blocks stand, rope_scaling counts; what a
 * block says counts more than the same key beside it; null is absent. Throws BadModel, in one sentence that names the key.
 */
export function readRope(
  keys: RopeKeys,
  { headDim, maxPositions }: { headDim: number; maxPositions: number },
  defaults: RopeDefaults,
): RopeConfig {
  const block = chosenBlock(keys);
  const common = parseConfig(KINDS[block.kind], block.values, block.name);
  const ropeTheta = common.rope_theta ?? keys.rope_theta ?? defaults.theta;
  const share = common.partial_rotary_factor ?? keys.partial_rotary_factor ?? 1;
  const ignored = share !== 1 && block.kind === 'default' && !defaults.partial;
  require(!ignored, `partial_rotary_factor is ${share}, but this architecture rotates whole heads; remove the key`);
  const rotaryDim = rotated(headDim, share);
  const unscaled = {
    ropeTheta,
    rotaryDim,
    ropeFactors: null,
    ropePositionScale: 1,
    originalMaxPositions: maxPositions,
    longRope: null,
  };
  switch (block.kind) {
    case 'default':
      return unscaled;
    case 'linear': {
      const { factor } = parseConfig(KINDS.linear, block.values, block.name);
      return { ...unscaled, ropeFactors: new Array<number>(rotaryDim / 2).fill(factor) };
    }
    case 'llama3': {
      const rule = parseConfig(KINDS.llama3, block.values, block.name);
      const original = originalLength(rule, keys, block.name, defaults) ?? maxPositions;
      return { ...unscaled, ropeFactors: llama3Factors(unscaled, original, rule, block.name) };
    }
    case 'factors': {
      const { factors } = parseConfig(KINDS.factors, block.values, block.name);
      checkLength(block.name, 'factors', factors, rotaryDim);
      return { ...unscaled, ropeFactors: factors };
    }
    case 'longrope': {
      const rule = parseConfig(KINDS.longrope, block.values, block.name);
      const original = originalLength(rule, keys, block.name, defaults);
      if (original === undefined) refuse(`${block.name}.${ORIGINAL}: it is missing, but the factors depend on it`);
      const own = (['short_mscale', 'long_mscale'] as const).find((key) => rule[key] !== undefined);
      const counts = own === undefined || defaults.shortMagnitude !== undefined;
      require(counts, `${block.name}.${own} has no effect in this architecture; remove it, or set attention_factor`);
      for (const key of ['short_factor', 'long_factor'] as const) checkLength(block.name, key, rule[key], rotaryDim);
      const factors = { shortFactor: rule.short_factor, longFactor: rule.long_factor };
      const longRope = { ...factors, ...magnitudes(rule, maxPositions, original, defaults) };
      return { ...unscaled, originalMaxPositions: original, longRope };
    }
  }
}

const ORIGINAL = 'original_max_position_embeddings';

/**
 * The length before the context was extended. Phi-3's stands inside the block or beside it, and the block's counts. For
 * the other models transformers takes the one beside it, other programs the one inside: they have to agree.
 */
function originalLength(
  rule: { [ORIGINAL]?: number | null | undefined },
  keys: RopeKeys,
  name: string,
  defaults: RopeDefaults,
): number | undefined {
  const [inside, beside] = [rule[ORIGINAL] ?? undefined, keys[ORIGINAL] ?? undefined];
  const agree = inside === undefined || beside === undefined || inside === beside || defaults.original !== undefined;
  require(agree, `${ORIGINAL} is ${beside}, but ${inside} in ${name}; remove the one that is wrong`);
  return inside ?? beside ?? defaults.original;
}

interface Block {
  readonly name: 'rope_scaling' | 'rope_parameters';
  readonly kind: Kind;
  /** Without those that are null. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** The block that counts, and the kind of rope that it asks for. Throws BadModel where it is not supported. */
function chosenBlock(keys: RopeKeys): Block {
  const name = isEmpty(keys.rope_scaling) ? 'rope_parameters' : 'rope_scaling';
  const values = Object.fromEntries(Object.entries(keys[name] ?? {}).filter(([, value]) => value !== null));
  const nested = Object.keys(values).find((key) => typeof values[key] === 'object' && !Array.isArray(values[key]));
  if (nested !== undefined) refuse(`${name}.${nested}: a rope of its own for each kind of layer is not supported`);
  const [first, second] = [values['rope_type'], values['type']].filter((type) => type !== undefined).map(canonical);
  if (second !== undefined && second !== first)
    refuse(`${name} has the rope_type ${String(first)} and the type ${String(second)}; remove the one that is wrong`);
  const kind = first ?? 'default';
  if (isKind(kind)) return { name, kind, values };
  const known = Object.keys(KINDS).filter((kind) => kind !== 'factors');
  refuse(
    `${name}: the rope_type ${JSON.stringify(kind)} is not supported. Airgap supports ${known.join(', ')}. Where it only extends the context, the model runs at its original length without ${name}`,
  );
}

function canonical(type: unknown): unknown {
  return typeof type === 'string' && Object.hasOwn(SYNONYMS, type) ? SYNONYMS[type] : type;
}

function isKind(type: unknown): type is Kind {
  return typeof type === 'string' && Object.hasOwn(KINDS, type);
}

function checkLength(name: string, key: string, list: readonly number[], rotaryDim: number): void {
  const fits = list.length === rotaryDim / 2;
  require(fits, `${name} has ${list.length} values of ${key}, but the head size requires ${rotaryDim / 2}`);
}

/** Number of the dimensions that are rotated, which come in pairs. */
function rotated(headDim: number, factor: number): number {
  const count = Math.floor(headDim * factor);
  const paired = count > 0 && count % 2 === 0;
  require(paired, `partial_rotary_factor ${factor} rotates ${count} of the ${headDim} dimensions of a head, not pairs`);
  return count;
}

/**
 * Llama 3.1's rule as divisors: wavelengths beyond original / low are divided by `factor`, those below original / high
 * stay, those between are interpolated. Reference: `_compute_llama3_parameters` in modeling_rope_utils.py.
 */
function llama3Factors(
  { ropeTheta, rotaryDim }: { ropeTheta: number; rotaryDim: number },
  length: number,
  rule: { factor: number; low_freq_factor: number; high_freq_factor: number },
  name: string,
): number[] {
  const { factor, low_freq_factor: low, high_freq_factor: high } = rule;
  require(low < high, `${name}.low_freq_factor is not below high_freq_factor`);
  return Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * ropeTheta ** ((2 * i) / rotaryDim);
    if (wavelength < length / high) return 1;
    if (wavelength > length / low) return factor;
    const smooth = (length / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Factors of cosines and sines. A magnitude that is not positive counts as absent, as in phi-3-small's own code. */
function magnitudes(
  rule: z.output<typeof KINDS.longrope>,
  maxPositions: number,
  length: number,
  defaults: RopeDefaults,
): Pick<LongRope, 'shortMagnitude' | 'longMagnitude'> {
  const given = (value: number | null | undefined): number | undefined => {
    return typeof value === 'number' && value > 0 ? value : undefined;
  };
  const computed = rule.attention_factor ?? extensionMagnitude(rule.factor ?? maxPositions / length, length);
  return {
    shortMagnitude: given(rule.short_mscale) ?? rule.attention_factor ?? defaults.shortMagnitude ?? computed,
    longMagnitude: given(rule.long_mscale) ?? computed,
  };
}

/** sqrt(1 + ln(factor) / ln(original)); 1 where the context is not extended. */
function extensionMagnitude(factor: number, length: number): number {
  return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(length));
}

function isEmpty(block: object | null | undefined): boolean {
  return !block || Object.keys(block).length === 0;
}
