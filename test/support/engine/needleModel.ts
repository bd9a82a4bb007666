/** One-layer models whose weights are made by hand: asked with a key, they say the value that follows it in the text. */
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { type TinyTensor, TinyFolder } from './tinyModel.ts';

/** Codes are the rows of an 8 x 8 Hadamard matrix: any two differ as much as can be. */
const CODES = Array.from({ length: 8 }, (_, row) => Array.from({ length: 8 }, (_, i) => (bits(row & i) % 2 ? -1 : 1)));
export const KEYS = CODES.length;
/**
 * Offsets of the parts of the residual stream: requested key, own key, value, and the part that makes the mean zero.
 */
const [QUERY, KEY, VALUE, BALANCE] = [0, 8, 16, 24] as const;
/** A matching key's score, above the others' 0: of 2^17 positions the others weigh e^-35 x 2^17 together. */
const SCORE = 35;
const VALUE_GAIN = 50;

export const keyToken = (key: number): number => key;
/** The value `value` of a key. It knows its key: one layer cannot look at the token before. */
export const valueToken = (key: number, value: number): number => KEYS + key * KEYS + value;
const FIRST_FILLER = KEYS + KEYS * KEYS;
const VOCABULARY = 128;
export const fillerToken = (random: number): number => FIRST_FILLER + Math.floor(random * (VOCABULARY - FIRST_FILLER));

/** phi-3-mini's architecture with LongRoPE from 4096 positions on. */
export const DENSE_CONFIG = {
  architectures: ['Phi3ForCausalLM'],
  hidden_size: 32,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  vocab_size: VOCABULARY,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
  rope_theta: 1e12, // The later frequencies turn by less than 0.1 over 131072 positions.
  max_position_embeddings: 131072 + 64,
  original_max_position_embeddings: 4096,
  rope_scaling: { type: 'su', short_factor: factors(16, 1), long_factor: factors(16, 4) },
};

/** phi-3-small's architecture and released pattern; four query heads share one kv head, the layer is block-sparse. */
export const SPARSE_CONFIG = {
  architectures: ['Phi3SmallForCausalLM'],
  hidden_size: 64,
  ff_intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  vocab_size: VOCABULARY,
  layer_norm_epsilon: 1e-5,
  gegelu_limit: 20,
  rope_embedding_base: 1e24,
  blocksparse_block_size: 64,
  blocksparse_num_local_blocks: 16,
  blocksparse_vert_stride: 8,
  dense_attention_every_n_layers: 2,
  dummy_token_indices: [],
  max_position_embeddings: 131072 + 64,
};

export function needleModel(configJson: object): TinyFolder {
  const { config, tensors } = readBlueprint(configJson);
  const { heads, kvHeads, headDim, hiddenSize } = config;
  const isSmall = 'embeddingScale' in config;
  const scale = isSmall ? 1 / headDim : 1 / Math.sqrt(headDim);
  // A token with its key or value code and the balance: the norm brings each of its values to about 1.
  const gain = Math.sqrt(SCORE / (8 * scale));
  const make: Record<string, (m: Matrix) => void> = {
    embed_tokens: (m) => embeddings(m),
    qkv_proj: (m) => {
      route(m, slowDims(headDim), QUERY, gain);
      route(
        m,
        slowDims(headDim).map((dim) => headDim + dim),
        KEY,
        gain,
      );
      route(
        m,
        range(16).map((i) => 2 * headDim + i),
        KEY,
        1,
      );
    },
    query_key_value: (m) => {
      for (let h = 0; h < heads; h++)
        route(
          m,
          slowDims(headDim).map((dim) => h * headDim + dim),
          QUERY,
          gain,
        );
      const k = heads * headDim;
      route(
        m,
        slowDims(headDim).map((dim) => k + dim),
        KEY,
        gain,
      );
      route(
        m,
        range(16).map((i) => k + headDim + i),
        KEY,
        1,
      );
    },
    o_proj: (m) => output(m, 1, headDim),
    dense: (m) => output(m, heads, headDim),
  };
  check(kvHeads === 1 && headDim >= 16 && hiddenSize >= 32);
  const filled = tensors.map(({ name, shape, role }): TinyTensor => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(role === 'vector' ? 1 : 0);
    const kind = Object.keys(make).find((key) => name.endsWith(`${key}.weight`));
    if (kind) make[kind]!({ values, width: shape[1]! });
    return { name, shape: [...shape], values };
  });
  return TinyFolder.model({ config: configJson, tensors: filled, dtype: 'F32' });
}

interface Matrix {
  readonly values: Float32Array;
  readonly width: number;
}

function embeddings(m: Matrix): void {
  const put = (id: number, parts: readonly [number, number][]): void => {
    for (const [at, code] of parts) {
      CODES[code]!.forEach((value, i) => {
        m.values[id * m.width + at + i] = value;
        m.values[id * m.width + BALANCE + i]! -= value;
      });
    }
  };
  for (let key = 0; key < KEYS; key++) {
    put(keyToken(key), [[QUERY, key]]);
    for (let value = 0; value < KEYS; value++)
      put(valueToken(key, value), [
        [KEY, key],
        [VALUE, value],
      ]);
  }
  for (let id = FIRST_FILLER; id < VOCABULARY; id++)
    put(id, [
      [QUERY, id % 8],
      [VALUE, (id >> 3) % 8],
    ]);
}

/** Rows `rows` of the matrix read the residual stream from `from` on. */
function route(m: Matrix, rows: readonly number[], from: number, gain: number): void {
  rows.forEach((row, i) => (m.values[row * m.width + from + i] = gain));
}

/** Every head writes the key and the value that it found back to where they came from. */
function output(m: Matrix, heads: number, headDim: number): void {
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < 16; i++) m.values[(KEY + i) * m.width + h * headDim + i] = VALUE_GAIN;
  }
}

/** Eight dimensions that rope turns the least: the last of each half. */
function slowDims(headDim: number): number[] {
  const half = headDim / 2;
  return [...range(4).map((i) => half - 4 + i), ...range(4).map((i) => headDim - 4 + i)];
}

function factors(count: number, factor: number): number[] {
  return new Array<number>(count).fill(factor);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function bits(x: number): number {
  return x === 0 ? 0 : (x & 1) + bits(x >> 1);
}

function check(ok: boolean): asserts ok {
  if (!ok) throw new Error('The needle model wants one kv head of at least 16 dimensions.');
}
