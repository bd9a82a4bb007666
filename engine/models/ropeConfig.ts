import * as z from 'zod';
import { require } from './config.ts';
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
  original_max_position_embeddings: z.int().positive().nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
};

type RopeKeys = { readonly [Key in keyof typeof ROPE_KEYS]?: z.output<(typeof ROPE_KEYS)[Key]> };

export interface RopeDefaults {
  readonly theta: number;
  /** Original length for LongRoPE where config.json gives none; undefined where it must. */
  readonly original?: number | undefined;
  /** Magnitude of the short LongRoPE factors where config.json gives none. By default the same as of the long ones. */
  readonly shortMagnitude?: number;
}

/** Keys that a block may have whatever its type. */
const COMMON = {
  type: z.string().nullish(),
  rope_type: z.string().nullish(),
  rope_theta: positive.nullish(),
  partial_rotary_factor: positive.max(1).nullish(),
};
const original = { original_max_position_embeddings: z.int().positive().nullish() };

/** The kinds of rope, by rope_type. `factors` is our own: GGUF files store the divisors of Llama 3 instead of its formula. */
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
  const name = isEmpty(keys.rope_scaling) ? 'rope_parameters' : 'rope_scaling';
  const block = withoutNulls(keys[name] ?? {});
  const kind = kindOf(name, block);
  const parse = <K extends Kind>(which: K): z.output<(typeof KINDS)[K]> => parseBlock(name, which, block);
  const { rope_theta: theta, partial_rotary_factor: partial } = parse(kind) as z.output<typeof KINDS.default>;
  const rotaryDim = Math.floor(headDim * (partial ?? keys.partial_rotary_factor ?? 1));
  require(rotaryDim > 0 && rotaryDim % 2 === 0, `partial_rotary_factor ${
    partial ?? keys.partial_rotary_factor
  } rotates ${rotaryDim} of the ${headDim} dimensions of a head, which is not an even number`);
  const common = {
    ropeTheta: theta ?? keys.rope_theta ?? defaults.theta,
    rotaryDim,
    ropeFactors: null,
    ropePositionScale: 1,
    originalMaxPositions: maxPositions,
    longRope: null,
  };
  const sized = (key: string, list: readonly number[]): readonly number[] => {
    require(list.length === rotaryDim / 2, `${name} has ${list.length} values of ${key}, but the head size requires ${
      rotaryDim / 2
    }`);
    return list;
  };
  if (kind === 'linear') {
    const { factor } = parse('linear');
    return { ...common, ropeFactors: new Array<number>(rotaryDim / 2).fill(factor) };
  }
  if (kind === 'llama3') {
    const rule = parse('llama3');
    const length = rule.original_max_position_embeddings ?? keys.original_max_position_embeddings ?? maxPositions;
    require(rule.low_freq_factor < rule.high_freq_factor, `${name}.low_freq_factor is not below high_freq_factor`);
    return { ...common, ropeFactors: llama3Factors(common, length, rule) };
  }
  if (kind === 'factors') return { ...common, ropeFactors: sized('factors', parse('factors').factors) };
  if (kind === 'longrope') {
    const rule = parse('longrope');
    const originalMaxPositions =
      rule.original_max_position_embeddings ?? keys.original_max_position_embeddings ?? defaults.original;
    require(originalMaxPositions !==
      undefined, `${name}.original_max_position_embeddings: missing, so that it is unknown where the long factors begin`);
    const longRope = {
      shortFactor: sized('short_factor', rule.short_factor),
      longFactor: sized('long_factor', rule.long_factor),
      ...magnitudes(rule, maxPositions, originalMaxPositions, defaults),
    };
    return { ...common, originalMaxPositions, longRope };
  }
  return common;
}

/** The kind of rope that a block asks for. Throws BadModel where it is not supported. */
function kindOf(name: string, block: Readonly<Record<string, unknown>>): Kind {
  const named = [block['rope_type'], block['type']]
    .filter((type) => type !== undefined)
    .map((type) => (typeof type === 'string' && Object.hasOwn(SYNONYMS, type) ? SYNONYMS[type]! : type));
  const perLayer = Object.entries(block).find(([, value]) => isObject(value));
  require(!perLayer, `${name}.${perLayer?.[0]}: a rope of its own for each kind of layer is not supported`);
  require(new Set(named).size < 2, `${name} has the rope_type ${String(named[0])} and the type ${String(
    named[1],
  )}; remove the one that does not apply`);
  const kind = named[0] ?? 'default';
  const known = Object.keys(KINDS).filter((known) => known !== 'factors');
  require(typeof kind === 'string' && Object.hasOwn(KINDS, kind), `${name}: the rope_type ${JSON.stringify(
    kind,
  )} is not supported. Airgap supports ${known.join(', ')}. Where it only extends the context, the model runs at its original length without ${name}`);
  return kind as Kind;
}

function parseBlock<K extends Kind>(name: string, kind: K, block: unknown): z.output<(typeof KINDS)[K]> {
  const parsed = KINDS[kind].safeParse(block);
  if (parsed.success) return parsed.data as z.output<(typeof KINDS)[K]>;
  const issue = parsed.error.issues[0]!;
  require(issue.code !== 'unrecognized_keys', `${name}.${
    issue.code === 'unrecognized_keys' ? issue.keys[0] : ''
  } is not understood for the rope_type ${kind}. Remove it if it has no effect; otherwise this model is not supported`);
  require(false, `${name}.${issue.path.join('.')}: ${issue.message}`);
}

/**
 * Llama 3.1's rule as divisors: wavelengths beyond original / low are divided by `factor`, those below original / high
 * stay, those between are interpolated. Reference: `_compute_llama3_parameters` in modeling_rope_utils.py.
 */
function llama3Factors(
  { ropeTheta, rotaryDim }: { ropeTheta: number; rotaryDim: number },
  length: number,
  rule: { factor: number; low_freq_factor: number; high_freq_factor: number },
): number[] {
  const { factor, low_freq_factor: low, high_freq_factor: high } = rule;
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

function withoutNulls(block: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== null));
}

function isEmpty(block: object | null | undefined): boolean {
  return !block || Object.keys(block).length === 0;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
