/** Sizes of phi-3-mini, which every engine runs with random weights. */
import { SHAPES } from '../engine/shapes.ts';

interface MiniConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  vocab_size: number;
  rms_norm_eps: number;
}

const config = SHAPES['phi-3-mini'] as MiniConfig;

export const MINI = {
  hidden: config.hidden_size,
  feedForward: config.intermediate_size,
  layers: config.num_hidden_layers,
  heads: config.num_attention_heads,
  headDim: config.hidden_size / config.num_attention_heads,
  vocabulary: config.vocab_size,
  normEpsilon: config.rms_norm_eps,
};

/** Number of weights that share a scale, in llama.cpp's Q4_0 and in ONNX Runtime's MatMulNBits. */
export const BLOCK = 32;
/** About the standard deviation of trained weights, so that activations stay finite through 32 layers. */
export const DEVIATION = 0.02;
/** Weights are split into several files, because a browser reads only files below 2 GiB. */
export const LARGEST_FILE = 512 * 2 ** 20;

/** Random numbers from 0 to 2^32 - 1, by xorshift32. */
export function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
