import { join } from 'node:path';
import { GgufModel } from '../../../engine/sources/gguf/ggufModel.ts';
import { type GgufContent, type GgufTensor, type MetadataValue, f32, writeGguf } from './ggufFile.ts';
import { TinyFolder } from './tinyModel.ts';

export const TINY_SIZES = { hidden: 64, mlp: 96, layers: 2, heads: 4, kvHeads: 2, headDim: 16, vocabulary: 128 };

/** A tensor of zeros in F32. */
export function zeros(name: string, shape: readonly number[]): GgufTensor {
  return { name, shape, type: 'F32', bytes: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) };
}

/** A F32 vector. */
export function vector(name: string, values: readonly number[]): GgufTensor {
  return { name, shape: [values.length], type: 'F32', bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/**
 * A model of TINY_SIZES, or others, as llama.cpp's converter writes it, with weights of zero. `metadata` adds entries below the
 * architecture's name and replaces them; undefined removes one.
 */
export function tinyGguf(
  architecture: 'llama' | 'phi3' | 'qwen2' | 'qwen3',
  {
    metadata = {} as Record<string, MetadataValue | undefined>,
    general = {} as Record<string, MetadataValue>,
    tied = false,
    tensors = [] as readonly GgufTensor[],
    sizes = TINY_SIZES,
  } = {},
): GgufContent {
  const { hidden, mlp, layers, heads, kvHeads, headDim, vocabulary } = sizes;
  const own: Record<string, MetadataValue | undefined> = {
    block_count: layers,
    context_length: 256,
    embedding_length: hidden,
    feed_forward_length: mlp,
    'attention.head_count': heads,
    'attention.head_count_kv': kvHeads,
    'attention.layer_norm_rms_epsilon': f32(1e-5),
    'rope.freq_base': f32(10000),
    ...(architecture === 'qwen2' ? {} : { 'rope.dimension_count': headDim }),
    ...(architecture === 'qwen3' ? { 'attention.key_length': headDim, 'attention.value_length': headDim } : {}),
    ...metadata,
  };
  const entries = Object.entries(own).flatMap(([key, value]) =>
    value === undefined ? [] : [[`${architecture}.${key}`, value] as const],
  );
  const layer = (i: number): GgufTensor[] =>
    layerTensors(architecture, sizes).map(([name, shape]) => zeros(`blk.${i}.${name}`, shape));
  return {
    metadata: { 'general.architecture': architecture, ...general, ...Object.fromEntries(entries) },
    tensors: [
      zeros('token_embd.weight', [vocabulary, hidden]),
      ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
      zeros('output_norm.weight', [hidden]),
      ...(tied ? [] : [zeros('output.weight', [vocabulary, hidden])]),
      ...tensors,
    ],
  };
}

function layerTensors(architecture: string, sizes: typeof TINY_SIZES): [name: string, shape: number[]][] {
  const { hidden, mlp, heads, kvHeads, headDim } = sizes;
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  const phi3 = architecture === 'phi3';
  return [
    ['attn_norm.weight', [hidden]],
    ['ffn_norm.weight', [hidden]],
    ['attn_output.weight', [hidden, q]],
    ['ffn_down.weight', [hidden, mlp]],
    ...(phi3
      ? ([
          ['attn_qkv.weight', [q + 2 * kv, hidden]],
          ['ffn_up.weight', [2 * mlp, hidden]],
        ] as [string, number[]][])
      : ([
          ['attn_q.weight', [q, hidden]],
          ['attn_k.weight', [kv, hidden]],
          ['attn_v.weight', [kv, hidden]],
          ['ffn_gate.weight', [mlp, hidden]],
          ['ffn_up.weight', [mlp, hidden]],
        ] as [string, number[]][])),
    ...(architecture === 'qwen2'
      ? ([
          ['attn_q.bias', [q]],
          ['attn_k.bias', [kv]],
          ['attn_v.bias', [kv]],
        ] as [string, number[]][])
      : []),
    ...(architecture === 'qwen3'
      ? ([
          ['attn_q_norm.weight', [headDim]],
          ['attn_k_norm.weight', [headDim]],
        ] as [string, number[]][])
      : []),
  ];
}

/** Writes a model as tiny.gguf, opens it, and removes it afterwards. */
export async function withGgufModel<T>(content: GgufContent, use: (model: GgufModel) => Promise<T>): Promise<T> {
  const folder = new TinyFolder();
  try {
    return await use(await GgufModel.open(writeGguf(join(folder.path, 'tiny.gguf'), content)));
  } finally {
    folder.remove();
  }
}
