import * as z from 'zod';
import { headSize, parseConfig, positive, present, require } from './config.ts';
import { refuseUnknownKeys } from './configKeys.ts';
import type { DecoderConfig } from './decoder.ts';
import type { LlamaFamily, OptionalKey } from './llamaFamilies.ts';
import { ROPE_KEYS, readRope } from './ropeConfig.ts';

/** The validated config.json of a decoder of the Llama kind, with derived sizes. */
export interface LlamaConfig extends DecoderConfig {
  readonly intermediateSize: number;
  readonly rmsNormEps: number;
  /** By layer: position p sees s iff p - s < window. */
  readonly windows: readonly number[];
  /** Which projections have a bias. */
  readonly biases: { readonly qkv: boolean; readonly o: boolean; readonly mlp: boolean };
  /** Whether each head of q and k is normalised before it is rotated. */
  readonly headNorms: boolean;
}

const COMMON = {
  _name_or_path: z.string().nullish(),
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive.max(1024),
  num_attention_heads: positive,
  /** null: as many as there are heads. */
  num_key_value_heads: positive.nullish(),
  vocab_size: positive,
  rms_norm_eps: z.number().positive(),
  max_position_embeddings: positive,
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.enum(['silu', 'swish']).default('silu'),
  // Our own, for models that we trained.
  fim_order: z.enum(['psm', 'spm']).default('psm'),
  completion_prompt: z.enum(['instruct', 'base']).optional(),
  ...ROPE_KEYS,
};

/** Keys that only some families have. */
const OPTIONAL = {
  head_dim: positive.nullish(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  /** null: none. */
  sliding_window: positive.nullish(),
  use_sliding_window: z.boolean().default(false),
  max_window_layers: z.int().nonnegative().default(0),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).optional(),
} satisfies Record<OptionalKey, z.ZodType>;

const schema = z.object({ ...COMMON, ...OPTIONAL });
type Raw = z.output<typeof schema>;

/** Keys for which null says something else than their absence. */
const NULL_COUNTS: ReadonlySet<string> = new Set(['num_key_value_heads', 'sliding_window']);

/** Reads the parsed config.json of a model of this family. Throws BadModel, in one sentence that names the key. */
export function parseLlamaConfig(json: unknown, family: LlamaFamily): LlamaConfig {
  const understood = new Set([...Object.keys(COMMON), ...family.keys]);
  refuseUnknownKeys(json, understood);
  const raw = parseConfig(schema, { ...family.defaults, ...present(json, understood, NULL_COUNTS) });
  const { hidden_size: hiddenSize, intermediate_size: intermediateSize, num_attention_heads: heads } = raw;
  const kvHeads = raw.num_key_value_heads ?? heads;
  const headDim = headSize({ hiddenSize, intermediateSize, heads, kvHeads, headDim: raw.head_dim ?? undefined });
  const maxPositions = raw.max_position_embeddings;
  const { originalMaxPositions: original, partialRotation: partial = false } = family;
  return {
    name: raw._name_or_path ?? family.modelType,
    hiddenSize,
    intermediateSize,
    layers: raw.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    vocabSize: raw.vocab_size,
    rmsNormEps: raw.rms_norm_eps,
    maxPositions,
    ...readRope(raw, { headDim, maxPositions }, { theta: 10000, original, partial }),
    windows: windows(raw, family),
    biases: {
      qkv: family.qkvBias ?? raw.attention_bias,
      o: raw.attention_bias,
      mlp: raw.mlp_bias,
    },
    headNorms: family.headNorms ?? false,
    tied: raw.tie_word_embeddings,
    fimOrder: raw.fim_order,
    completionPrompt: raw.completion_prompt,
  };
}

/** The window of each layer; maxPositions where a layer sees all positions. */
function windows(raw: Raw, family: LlamaFamily): number[] {
  const { num_hidden_layers: layers, layer_types: types, max_position_embeddings: all, sliding_window: window } = raw;
  require(!types || types.length === layers, `layer_types has ${types?.length} entries for ${layers} layers`);
  const some = family.keys.includes('use_sliding_window');
  const on = typeof window === 'number' && (!some || raw.use_sliding_window);
  const slides = (layer: number): boolean => {
    if (types) return types[layer] === 'sliding_attention';
    return on && (!some || layer >= raw.max_window_layers);
  };
  const sliding = Array.from({ length: layers }, (_, layer) => slides(layer));
  require(on || !sliding.includes(true), 'layer_types has sliding_attention, but no sliding_window is in use');
  // Families without a choice by layer slide in all layers, whatever layer_types says.
  require(some ||
    !on ||
    !sliding.includes(
      false,
    ), 'layer_types has full_attention beside sliding_window; remove the one that does not apply');
  return sliding.map((slide) => (slide ? window! : all));
}
