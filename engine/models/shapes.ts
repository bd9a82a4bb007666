/** config.json of released models as far as shapes go (figures from their published configurations), for benchmarks. */
export const SHAPES: Readonly<Record<string, object>> = {
  'phi-3-mini': {
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    vocab_size: 32064,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 4096,
    sliding_window: 2047,
  },
  'phi-3-medium': {
    hidden_size: 5120,
    intermediate_size: 17920,
    num_hidden_layers: 40,
    num_attention_heads: 40,
    num_key_value_heads: 10,
    vocab_size: 32064,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 4096,
    sliding_window: 2047,
  },
};
