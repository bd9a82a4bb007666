/** Keys of config.json that only some families have. */
export type OptionalKey =
  | 'head_dim'
  | 'attention_bias'
  | 'mlp_bias'
  | 'sliding_window'
  | 'use_sliding_window'
  | 'max_window_layers'
  | 'layer_types';

/** In what the models differ that are computed as Llama is. */
export interface LlamaFamily {
  /** model_type in config.json. */
  readonly modelType: string;
  /** The keys beyond those that all families have. Another family's keys count as unknown. */
  readonly keys: readonly OptionalKey[];
  /** What transformers takes where config.json lacks a key. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Original length of LongRoPE where config.json gives none. */
  readonly originalMaxPositions?: number;
  /** Whether a part of each head may be rotated without scaling (partial_rotary_factor). */
  readonly partialRotation?: boolean;
  /** Whether q, k and v have a bias; where absent, attention_bias says it for them and o. */
  readonly qkvBias?: boolean;
  readonly headNorms?: boolean;
}

/** By the architecture's name. The defaults are those of the configuration classes of transformers 5. */
export const LLAMA_FAMILIES: Readonly<Record<string, LlamaFamily>> = {
  Phi3ForCausalLM: {
    modelType: 'phi3',
    keys: ['sliding_window', 'layer_types', 'head_dim'],
    defaults: { rms_norm_eps: 1e-5, max_position_embeddings: 4096 },
    originalMaxPositions: 4096,
    partialRotation: true,
  },
  LlamaForCausalLM: {
    modelType: 'llama',
    keys: ['head_dim', 'attention_bias', 'mlp_bias'],
    defaults: { rms_norm_eps: 1e-6, max_position_embeddings: 2048 },
  },
  MistralForCausalLM: {
    modelType: 'mistral',
    keys: ['head_dim', 'sliding_window', 'layer_types'],
    defaults: {
      rms_norm_eps: 1e-6,
      max_position_embeddings: 131072,
      num_key_value_heads: 8,
      sliding_window: 4096,
    },
  },
  Qwen2ForCausalLM: {
    modelType: 'qwen2',
    keys: ['head_dim', 'sliding_window', 'use_sliding_window', 'max_window_layers', 'layer_types'],
    defaults: {
      rms_norm_eps: 1e-6,
      max_position_embeddings: 32768,
      num_key_value_heads: 32,
      sliding_window: 4096,
      max_window_layers: 28,
    },
    qkvBias: true,
  },
  Qwen3ForCausalLM: {
    modelType: 'qwen3',
    keys: ['head_dim', 'attention_bias', 'sliding_window', 'use_sliding_window', 'max_window_layers', 'layer_types'],
    defaults: {
      rms_norm_eps: 1e-6,
      max_position_embeddings: 32768,
      num_key_value_heads: 32,
      head_dim: 128,
      sliding_window: 4096,
      max_window_layers: 28,
    },
    headNorms: true,
  },
};
