import * as z from 'zod';
import { type Sparsity, PAGE_TOKENS } from '../../kernels/ops.ts';
import { headSize, parseConfig, positive, present, require } from './config.ts';
import { refuseUnknownKeys } from './configKeys.ts';
import type { DecoderConfig } from './decoder.ts';
import { ROPE_KEYS, readRope } from './ropeConfig.ts';

/** The validated config.json of a Phi3SmallForCausalLM checkpoint, with derived sizes. */
export interface Phi3SmallConfig extends DecoderConfig {
  readonly intermediateSize: number;
  readonly layerNormEps: number;
  readonly gegeluLimit: number;
  /** muP: embeddings are multiplied by this, logits divided by logitDivisor, scores multiplied by attentionScale. */
  readonly embeddingScale: number;
  readonly logitDivisor: number;
  readonly attentionScale: number;
  readonly sparsity: Sparsity;
  /** Layer n, counted from 0, is dense iff (n + 1) % denseEvery == 0. */
  readonly denseEvery: number;
  /** Ids without a meaning; their logits are masked. */
  readonly dummyIds: readonly number[];
}

const schema = z.object({
  _name_or_path: z.string().nullish(),
  hidden_size: positive,
  ff_intermediate_size: positive.nullish(),
  ff_dim_multiplier: positive.nullish(),
  gegelu_pad_to_256: z.boolean().default(true),
  num_hidden_layers: positive.max(1024),
  num_attention_heads: positive,
  num_key_value_heads: positive,
  vocab_size: positive,
  layer_norm_epsilon: z.number().positive(),
  rope_embedding_base: z.number().positive().default(1e6),
  rope_position_scale: z.number().positive().default(1),
  max_position_embeddings: positive,
  hidden_act: z.literal('gegelu').default('gegelu'),
  /** null: none. */
  gegelu_limit: z.number().positive().nullable().default(20),
  mup_use_scaling: z.boolean().default(true),
  // null: none.
  mup_width_multiplier: z.number().positive().nullable().default(8),
  mup_embedding_multiplier: z.number().positive().nullable().default(10),
  mup_attn_multiplier: z.number().positive().default(1),
  blocksparse_block_size: positive.default(64),
  blocksparse_num_local_blocks: positive.default(16),
  blocksparse_vert_stride: positive.default(8),
  blocksparse_homo_head_pattern: z.boolean().default(false),
  /** null: no layer is dense. */
  dense_attention_every_n_layers: positive.nullable().default(2),
  dummy_token_indices: z.array(z.int().nonnegative()).optional(),
  tie_word_embeddings: z.literal(true, 'the head of this architecture is the embedding').nullish(),
  // Blocks of the original kernel, which do not change its result.
  blocksparse_triton_kernel_block_size: z.unknown().optional(),
  rope_scaling: ROPE_KEYS.rope_scaling,
  rope_parameters: ROPE_KEYS.rope_parameters,
  original_max_position_embeddings: ROPE_KEYS.original_max_position_embeddings,
});

/** Keys for which null says something else than their absence. */
const NULL_COUNTS: ReadonlySet<string> = new Set([
  ...['gegelu_limit', 'mup_width_multiplier', 'mup_embedding_multiplier', 'mup_use_scaling'],
  'dense_attention_every_n_layers',
]);

/** The dummy ids of the released vocabulary (tokenization_phi3_small.py). */
const RELEASED_DUMMY_IDS = [100256, 100258, 100259, 100260, 100264, 100265, ...range(100267, 100351)];

/** Reads the parsed config.json of a Phi3SmallForCausalLM model. Throws BadModel, in one sentence that names the key. */
export function parsePhi3SmallConfig(json: unknown): Phi3SmallConfig {
  const understood = new Set(Object.keys(schema.shape));
  refuseUnknownKeys(json, understood);
  const raw = parseConfig(schema, present(json, understood, NULL_COUNTS));
  const { hidden_size: hiddenSize, num_attention_heads: heads, num_key_value_heads: kvHeads } = raw;
  const intermediateSize = raw.ff_intermediate_size ?? defaultIntermediateSize(raw);
  const headDim = headSize({ hiddenSize, intermediateSize, heads, kvHeads });
  const maxPositions = raw.max_position_embeddings;
  const rope = readRope(raw, { headDim, maxPositions }, { theta: raw.rope_embedding_base, shortMagnitude: 1 });
  return {
    name: raw._name_or_path ?? 'phi3small',
    hiddenSize,
    intermediateSize,
    layers: raw.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    vocabSize: raw.vocab_size,
    layerNormEps: raw.layer_norm_epsilon,
    gegeluLimit: raw.gegelu_limit ?? Number.MAX_SAFE_INTEGER,
    embeddingScale: raw.mup_embedding_multiplier ?? 1,
    logitDivisor: raw.mup_width_multiplier ?? 1,
    attentionScale: raw.mup_use_scaling ? raw.mup_attn_multiplier / headDim : 1 / Math.sqrt(headDim),
    maxPositions,
    ...rope,
    ropePositionScale: raw.rope_position_scale,
    sparsity: sparsity(raw, heads),
    denseEvery: raw.dense_attention_every_n_layers ?? Infinity,
    dummyIds: dummyIds(raw),
    tied: true,
    fimOrder: 'psm',
  };
}

type Raw = z.output<typeof schema>;

function defaultIntermediateSize(raw: Raw): number {
  require(typeof raw.ff_dim_multiplier === 'number', 'neither ff_intermediate_size nor ff_dim_multiplier is given');
  const size = 2 * raw.ff_dim_multiplier * Math.floor(raw.hidden_size / 3);
  return raw.gegelu_pad_to_256 ? Math.ceil(size / 256) * 256 : size;
}

/** The pattern for kernels/sparsity.ts. Heads are offset against each other unless homo_head_pattern is set. */
function sparsity(raw: Raw, heads: number): Sparsity {
  const { blocksparse_block_size: blockTokens, blocksparse_vert_stride: vertStride } = raw;
  const isPowerOfTwo = Number.isInteger(Math.log2(blockTokens));
  require(isPowerOfTwo &&
    blockTokens >=
      16, `blocksparse_block_size ${blockTokens} is not a power of two from 16 (pages hold ${PAGE_TOKENS} tokens)`);
  return {
    blockTokens,
    localBlocks: raw.blocksparse_num_local_blocks,
    vertStride,
    headStep: raw.blocksparse_homo_head_pattern ? 0 : Math.max(1, Math.floor(vertStride / heads)),
  };
}

function dummyIds({ dummy_token_indices: ids, vocab_size: vocabSize }: Raw): readonly number[] {
  const stranger = ids?.find((id) => id >= vocabSize);
  require(stranger === undefined, `dummy_token_indices names ${stranger}, the vocabulary has ${vocabSize} ids`);
  return ids ?? RELEASED_DUMMY_IDS.filter((id) => id < vocabSize);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
