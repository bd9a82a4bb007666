import { quoted } from '../quoted.ts';
import type { MetadataReader } from './metadataReader.ts';

/** The values of the small tensors that say how positions are scaled; absent where the file has none. */
export interface RopeFactors {
  /** rope_freqs: divisors of the frequencies, as Llama 3.1 has them. */
  readonly all?: readonly number[] | undefined;
  /** rope_factors_short and rope_factors_long: LongRoPE's divisors. */
  readonly short?: readonly number[] | undefined;
  readonly long?: readonly number[] | undefined;
}

/** Context that a phi-3 file without LongRoPE factors may claim where it does not say for which one it was trained. */
const PHI3_ORIGINAL_CONTEXT = 16384;

/**
 * Rotary positions as the rope_parameters of config.json. Throws BadModel where they are incomplete, contradict each
 * other, or are of a kind that is not supported.
 */
export function ropeParameters(
  reader: MetadataReader,
  architecture: string,
  { headDim, contextLength }: { headDim: number; contextLength: number },
  factors: RopeFactors,
): Record<string, unknown> {
  const key = (name: string): string => `${architecture}.rope.${name}`;
  const base = reader.number(key('freq_base')) ?? 10000;
  const rotated = reader.count(key('dimension_count')) ?? headDim;
  if (rotated < 2 || rotated > headDim || rotated % 2 !== 0) {
    reader.refuse(key('dimension_count'), `is ${rotated}, but a head has ${headDim} dimensions`);
  }
  if (architecture !== 'phi3' && rotated !== headDim) {
    reader.refuse(key('dimension_count'), `is ${rotated} of ${headDim}, which is not supported for ${architecture}`);
  }
  const common = {
    rope_theta: base,
    ...(rotated === headDim ? {} : { partial_rotary_factor: share(rotated, headDim) }),
  };
  return { ...common, ...scaling(reader, architecture, contextLength, factors) };
}

/** The share that gives `rotated` when it is multiplied by the head's size and rounded down, as config.json's reader does. */
function share(rotated: number, headDim: number): number {
  const quotient = rotated / headDim;
  return Math.floor(headDim * quotient) === rotated ? quotient : quotient * (1 + Number.EPSILON);
}

function scaling(
  reader: MetadataReader,
  architecture: string,
  contextLength: number,
  factors: RopeFactors,
): Record<string, unknown> {
  const key = (name: string): string => `${architecture}.rope.${name}`;
  // As in llama.cpp: a factor without a type is linear, and with the type none it has no effect.
  const type = reader.text(key('scaling.type')) ?? 'linear';
  const factor = reader.number(key('scaling.factor')) ?? reader.number(key('scale_linear')) ?? 0;
  const attnFactor = reader.number(key('scaling.attn_factor'));
  const original = reader.count(key('scaling.original_context_length'));
  const hasFactors = factors.all ?? factors.short ?? factors.long;
  if (!['none', 'linear', 'longrope'].includes(type)) {
    reader.refuse(key('scaling.type'), `is ${quoted(type, 40)}, which is not supported; linear and longrope are`);
  }
  const linear = type !== 'none' && factor !== 0 && factor !== 1;
  if (linear && (hasFactors || type === 'longrope')) {
    reader.refuse(key('scaling.factor'), 'stands beside factors of each frequency; only one of them is supported');
  }
  if (factors.short ?? factors.long) {
    if (factors.all) reader.refuseFile('has both rope_freqs and LongRoPE factors');
    return longRope(reader, architecture, { contextLength, original, attnFactor }, factors);
  }
  if (type === 'longrope') reader.refuse(key('scaling.type'), 'is longrope, but the file has no factors for it');
  if (attnFactor !== undefined && attnFactor !== 1) {
    reader.refuse(key('scaling.attn_factor'), `is ${attnFactor}, but the file has no LongRoPE factors`);
  }
  if (linear) return { rope_type: 'linear', factor };
  if (architecture === 'phi3' && contextLength > (original ?? PHI3_ORIGINAL_CONTEXT)) {
    reader.refuseFile(
      `has a context of ${contextLength} tokens but no LongRoPE factors (rope_factors_short.weight and rope_factors_long.weight), because an old converter made it; convert the model again or download a newer file`,
    );
  }
  // A type of our own (engine/models/ropeConfig.ts), because Llama 3's formula cannot be told from its result.
  return factors.all ? { rope_type: 'factors', factors: factors.all } : { rope_type: 'default' };
}

function longRope(
  reader: MetadataReader,
  architecture: string,
  {
    contextLength,
    original,
    attnFactor,
  }: { contextLength: number; original?: number | undefined; attnFactor?: number | undefined },
  { short, long }: RopeFactors,
): Record<string, unknown> {
  if (!short || !long) {
    return reader.refuseFile(
      `has ${short ? 'rope_factors_short' : 'rope_factors_long'} but not ${short ? 'rope_factors_long' : 'rope_factors_short'}`,
    );
  }
  const key = `${architecture}.rope.scaling.original_context_length`;
  if (original === undefined || original === 0 || original > contextLength) {
    return reader.refuse(key, 'is missing or wrong, but LongRoPE needs it');
  }
  return {
    rope_type: 'longrope',
    short_factor: short,
    long_factor: long,
    original_max_position_embeddings: original,
    ...(attnFactor === undefined ? {} : { attention_factor: attnFactor }),
  };
}
