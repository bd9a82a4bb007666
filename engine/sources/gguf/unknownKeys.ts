import type { GgufValue } from './metadata.ts';
import type { MetadataReader } from './metadataReader.ts';

/** Keys below the architecture's name that config.ts and rope.ts read. */
const READ = new Set([
  ...['block_count', 'context_length', 'embedding_length', 'feed_forward_length'],
  ...['attention.head_count', 'attention.head_count_kv', 'attention.key_length', 'attention.value_length'],
  ...['attention.layer_norm_rms_epsilon', 'attention.scale', 'attention.sliding_window'],
  ...['rope.freq_base', 'rope.dimension_count', 'rope.scale_linear', 'rope.scaling.type', 'rope.scaling.factor'],
  ...['rope.scaling.attn_factor', 'rope.scaling.original_context_length'],
]);

/**
 * Keys without an effect on the result: the vocabulary's size is that of the embedding, the layout of llama's rows is
 * always the same, and the norms of these architectures have no other epsilon.
 */
const IRRELEVANT = new Set([
  'vocab_size',
  'tensor_data_layout',
  'rope.scaling.finetuned',
  'attention.layer_norm_epsilon',
]);

/** Factors for which 1 says that there is none. */
const FACTORS = new Set([
  ...['logit_scale', 'residual_scale', 'embedding_scale', 'attention.output_scale', 'expert_weights_scale'],
  'rope.scaling.yarn_attn_factor',
]);

/**
 * Refuses every other key of the architecture, because it may change the result, unless its value says that it does
 * not: 0, false, none, and 1 for some factors.
 */
export function refuseUnknownKeys(reader: MetadataReader, architecture: string): void {
  const prefix = `${architecture}.`;
  const experts = reader.get(`${prefix}expert_count`);
  if (experts !== undefined && experts !== 0) {
    reader.refuseFile('is a mixture of experts, which is not supported');
  }
  for (const key of reader.keys()) {
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    if (READ.has(name) || IRRELEVANT.has(name)) continue;
    const value = reader.get(key)!;
    if (isNeutral(name, value)) continue;
    reader.refuse(key, `is ${shown(value)}, which is not supported`);
  }
}

function isNeutral(name: string, value: GgufValue): boolean {
  if (name === 'attention.causal') return value === true;
  if (value === 1) return FACTORS.has(name);
  return value === 0 || value === false || value === '' || value === 'none';
}

function shown(value: GgufValue): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'set';
}
