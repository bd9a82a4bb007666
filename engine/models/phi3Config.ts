import * as z from 'zod';
import { headSize, longMagnitude, longRope, longRopeSchema, parseConfig, positive } from './config.ts';
import type { DecoderConfig } from './decoder.ts';

/** The validated config.json of a Phi3ForCausalLM checkpoint, with derived sizes. */
export interface Phi3Config extends DecoderConfig {
  readonly intermediateSize: number;
  readonly rmsNormEps: number;
  /** Position p sees s iff p - s < window. */
  readonly window: number;
}

const schema = z.object({
  _name_or_path: z.string().optional(),
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive.max(1024),
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  vocab_size: positive,
  rms_norm_eps: z.number().positive(),
  rope_theta: z.number().positive().default(10000),
  max_position_embeddings: positive,
  original_max_position_embeddings: positive.nullish(),
  sliding_window: positive.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  partial_rotary_factor: z.literal(1).default(1),
  attention_bias: z.literal(false).default(false),
  hidden_act: z.literal('silu').default('silu'),
  fim_order: z.enum(['psm', 'spm']).default('psm'),
  rope_scaling: longRopeSchema.nullish(),
});

/** Reads the parsed config.json of a Phi3ForCausalLM model. Throws BadModel, in one sentence that names the key. */
export function parsePhi3Config(json: unknown): Phi3Config {
  const raw = parseConfig(schema, json);
  const heads = raw.num_attention_heads;
  const kvHeads = raw.num_key_value_heads ?? heads;
  const headDim = headSize(raw.hidden_size, raw.intermediate_size, heads, kvHeads);
  const maxPositions = raw.max_position_embeddings;
  const originalMaxPositions = raw.original_max_position_embeddings ?? maxPositions;
  // In this class the same magnitude scales short and long factors.
  const magnitude = longMagnitude(maxPositions, originalMaxPositions);
  return {
    name: raw._name_or_path ?? 'phi3',
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    vocabSize: raw.vocab_size,
    rmsNormEps: raw.rms_norm_eps,
    ropeTheta: raw.rope_theta,
    ropePositionScale: 1,
    maxPositions,
    originalMaxPositions,
    longRope: raw.rope_scaling ? longRope(raw.rope_scaling, headDim, { short: magnitude, long: magnitude }) : null,
    window: raw.sliding_window ?? maxPositions,
    tied: raw.tie_word_embeddings,
    fimOrder: raw.fim_order,
  };
}
