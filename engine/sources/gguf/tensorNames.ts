/** Names of the tensors in GGUF files of one architecture, and what Hugging Face's files call them. */
const OUTER: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};

const LAYER: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Where an architecture differs from LAYER. */
const DIFFERENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  phi3: { attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' }, // ffn_up holds gate, then up.
  qwen3: { attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' },
};

/** Tensors that config.json already says (rope.ts), or that nothing needs. */
const CONSUMED = /^(rope_freqs|rope_factors_long|rope_factors_short|blk\.\d+\.attn_rot_embd)\.weight$/;

/** Hugging Face's name of a tensor; null where nothing needs it, undefined where the architecture has no such tensor. */
export function checkpointName(name: string, architecture: string): string | null | undefined {
  if (CONSUMED.test(name)) return null;
  const [, layer, part, kind] = /^(?:blk\.(0|[1-9]\d{0,3})\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  if (part === undefined) return undefined;
  const names = layer === undefined ? OUTER : { ...LAYER, ...DIFFERENT[architecture] };
  if (!Object.hasOwn(names, part)) return undefined;
  return `${layer === undefined ? '' : `model.layers.${layer}.`}${names[part]}.${kind}`;
}

/** Whether llama.cpp interleaves a tensor's rows within each head: q and k of the architecture llama, and their biases. */
export function isInterleaved(name: string, architecture: string): boolean {
  return architecture === 'llama' && /^blk\.\d+\.attn_[qk]\./.test(name);
}
