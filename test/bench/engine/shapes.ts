import type { RandomModelReference } from '../../../engine/wire/protocol.ts';

const MINI = {
  architectures: ['Phi3ForCausalLM'],
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  vocab_size: 32064,
  rms_norm_eps: 1e-5,
};
const SMALL = {
  architectures: ['Phi3SmallForCausalLM'],
  hidden_size: 4096,
  ff_intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 100352,
  layer_norm_epsilon: 1e-5,
  gegelu_limit: 20,
  blocksparse_block_size: 64,
  blocksparse_num_local_blocks: 16,
  blocksparse_vert_stride: 8,
  dense_attention_every_n_layers: 2,
};
/** The factors differ from the released ones, which does not affect speed. */
const longRope = (headDim: number, original: number): object => ({
  rope_scaling: {
    type: 'su',
    short_factor: new Array<number>(headDim / 2).fill(1),
    long_factor: new Array<number>(headDim / 2).fill(32),
    original_max_position_embeddings: original,
  },
  original_max_position_embeddings: original,
  max_position_embeddings: 131072,
});

/** The parts of released models' config.json that determine shapes, from the published configurations. */
export const SHAPES: Readonly<Record<string, object>> = {
  'phi-3-mini': { ...MINI, max_position_embeddings: 4096, sliding_window: 2047 },
  'phi-3-mini-128k': { ...MINI, ...longRope(96, 4096), sliding_window: 262144 },
  'phi-3-medium': {
    architectures: ['Phi3ForCausalLM'],
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
  'phi-3-small': { ...SMALL, max_position_embeddings: 8192 },
  'phi-3-small-128k': { ...SMALL, ...longRope(128, 8192) },
};

/** Random weights of a released shape, with fewer layers where asked for. */
export function randomModel(shape: string, layers = layersOf(shape)): RandomModelReference {
  return { name: shape, randomConfig: { ...SHAPES[shape]!, num_hidden_layers: layers } };
}

export function layersOf(shape: string): number {
  return (SHAPES[shape] as { num_hidden_layers: number }).num_hidden_layers;
}
