import { quoted } from '../quoted.ts';
import type { GgufTensor } from './header.ts';
import type { MetadataReader } from './metadataReader.ts';
import { type RopeFactors, ropeParameters } from './rope.ts';
import { refuseUnknownKeys } from './unknownKeys.ts';

/** The supported values of general.architecture, with the classes and types of Hugging Face's config.json. */
const ARCHITECTURES: Readonly<Record<string, { name: string; type: string }>> = {
  phi3: { name: 'Phi3ForCausalLM', type: 'phi3' },
  llama: { name: 'LlamaForCausalLM', type: 'llama' },
  qwen2: { name: 'Qwen2ForCausalLM', type: 'qwen2' },
  qwen3: { name: 'Qwen3ForCausalLM', type: 'qwen3' },
};

export interface GgufConfig {
  /** general.architecture. */
  readonly architecture: string;
  readonly headDim: number;
  /** The model in the spelling of Hugging Face's config.json. */
  readonly json: Record<string, unknown>;
}

/** Checks what kind of model a file holds before anything else is read from it. Throws BadModel. */
export function architectureOf(reader: MetadataReader): string {
  const type = reader.text('general.type') ?? 'model';
  if (type === 'adapter') reader.refuseFile('is a LoRA adapter; merge it into its model first');
  const architecture = reader.text('general.architecture') ?? reader.refuse('general.architecture', 'is missing');
  if (type === 'mmproj' || architecture === 'clip') {
    // llama.cpp knows no projector of phi-3-vision, and its pull requests for one differ: #7705, #9209, #17687.
    reader.refuseFile(
      'is only the image part of a model; choose the file of its language model, or, for one that sees pictures, a folder ' +
        'of phi-3-vision in Hugging Face layout',
    );
  }
  if (Object.hasOwn(ARCHITECTURES, architecture)) return architecture;
  const known = Object.keys(ARCHITECTURES).join(', ');
  return reader.refuseFile(`has the architecture ${quoted(architecture, 40)}, which is not supported; ${known} are`);
}

/** Translates a model's metadata into config.json. Throws BadModel, in one sentence that names the key. */
export function translateConfig(
  reader: MetadataReader,
  tensors: ReadonlyMap<string, GgufTensor>,
  factors: RopeFactors,
): GgufConfig {
  const architecture = architectureOf(reader);
  refuseUnknownKeys(reader, architecture);
  const key = (name: string): string => `${architecture}.${name}`;
  const sizes = readSizes(reader, tensors, key);
  const { headDim } = sizes;
  const attentionScale = reader.number(key('attention.scale')) ?? 0;
  if (attentionScale !== 0 && Math.abs(attentionScale * Math.sqrt(headDim) - 1) > 1e-6) {
    reader.refuse(key('attention.scale'), `is ${attentionScale}, which is not supported`);
  }
  const window = slidingWindow(reader, architecture, sizes);
  // Mistral is Llama with a window; both are `llama` in GGUF files.
  const { name, type } =
    architecture === 'llama' && window !== undefined
      ? { name: 'MistralForCausalLM', type: 'mistral' }
      : ARCHITECTURES[architecture]!;
  const json = {
    architectures: [name],
    model_type: type,
    hidden_size: sizes.hidden,
    intermediate_size: reader.required(key('feed_forward_length')),
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    head_dim: headDim,
    vocab_size: sizes.vocabulary,
    rms_norm_eps:
      reader.number(key('attention.layer_norm_rms_epsilon')) ??
      reader.refuse(key('attention.layer_norm_rms_epsilon'), 'is missing'),
    max_position_embeddings: sizes.contextLength,
    rope_parameters: ropeParameters(reader, architecture, sizes, factors),
    tie_word_embeddings: !tensors.has('output.weight'),
    ...(window === undefined ? {} : { sliding_window: window }),
    ...(tensors.has('blk.0.attn_output.bias') ? { attention_bias: true } : {}),
    ...(tensors.has('blk.0.ffn_down.bias') ? { mlp_bias: true } : {}),
  };
  return { architecture, headDim, json };
}

interface Sizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  readonly contextLength: number;
}

function readSizes(
  reader: MetadataReader,
  tensors: ReadonlyMap<string, GgufTensor>,
  key: (name: string) => string,
): Sizes {
  const hidden = reader.required(key('embedding_length'));
  const heads = reader.required(key('attention.head_count'));
  if (heads === 0) reader.refuse(key('attention.head_count'), 'is 0');
  const headDim = reader.count(key('attention.key_length')) ?? hidden / heads;
  if (!Number.isInteger(headDim) || headDim === 0) {
    reader.refuse(key('embedding_length'), `is ${hidden}, which is not divisible by ${heads} heads`);
  }
  const valueLength = reader.count(key('attention.value_length')) ?? headDim;
  if (valueLength !== headDim) {
    reader.refuse(key('attention.value_length'), `is ${valueLength}, but keys have ${headDim}; both have to be equal`);
  }
  const embedding = tensors.get('token_embd.weight');
  if (!embedding) return reader.refuseFile('contains no weights of a model: the tensor token_embd.weight is missing');
  return {
    hidden,
    layers: reader.required(key('block_count')),
    heads,
    kvHeads: reader.count(key('attention.head_count_kv')) ?? heads,
    headDim,
    vocabulary: embedding.shape[0]!,
    contextLength: reader.required(key('context_length')),
  };
}

/** The attention window as config.json states it; undefined where every position sees all earlier ones. */
function slidingWindow(reader: MetadataReader, architecture: string, sizes: Sizes): number | undefined {
  const key = `${architecture}.attention.sliding_window`;
  const { contextLength, layers } = sizes;
  const stated = reader.count(key);
  if (stated !== undefined) {
    if (stated === 0 || stated >= contextLength) return undefined;
    if (architecture === 'phi3' || architecture === 'llama') return stated;
    return reader.refuse(key, `is ${stated}, which is not supported for ${architecture}`);
  }
  // Converters did not always write the window; these are the released models that have one.
  if (architecture === 'phi3' && contextLength === 4096 && (layers === 32 || layers === 40)) return 2047;
  return architecture === 'llama' && isMistral7B(reader, sizes) ? 4096 : undefined;
}

/** Version 0.1 and its many fine-tunes, such as OpenChat; version 0.2 has another base and no window. */
function isMistral7B(reader: MetadataReader, { contextLength, layers, hidden, kvHeads }: Sizes): boolean {
  const base = reader.number('llama.rope.freq_base') ?? 10000;
  const mlp = reader.count('llama.feed_forward_length');
  return layers === 32 && hidden === 4096 && kvHeads === 8 && mlp === 14336 && base === 10000 && contextLength > 4096;
}
