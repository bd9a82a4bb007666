import { refuse } from './config.ts';

/**
 * Throws BadModel where config.json has a key that may change what the model computes and that the decoder does not know:
 * a model must never be computed in another way than its author meant. `understood`: the keys that its configuration
 * reads. Other keys pass if they are known to be harmless, if their value switches nothing on, or if no word of theirs
 * or of a key inside of them has to do with the computation.
 */
export function refuseUnknownKeys(json: unknown, understood: ReadonlySet<string>): void {
  refuseKeys(json, understood, []);
}

/** `path`: the keys that lead to `json`. */
function refuseKeys(json: unknown, understood: ReadonlySet<string>, path: readonly string[]): void {
  for (const [name, value] of Object.entries(json ?? {})) {
    if (understood.has(name) || HARMLESS.has(name) || isNeutral(name, value)) continue;
    const key = [...path, name].join('.');
    if (key === 'quantization_config') refuse(quantisationProblem(value));
    if (!BEARS_ON_THE_MATHEMATICS.test(name)) {
      if (typeof value !== 'object') continue;
      if (path.length === DEEPEST) refuse(`${key} is nested too deeply; remove it if it has no effect`);
      refuseKeys(value, NONE, [...path, name]);
      continue;
    }
    const problem = 'which Airgap does not know for this architecture and which may change what the model computes';
    refuse(
      `${key} is ${shown(value)}, ${problem}. Remove the key if it has no effect; otherwise the model is not supported`,
    );
  }
}

const NONE: ReadonlySet<string> = new Set();
const DEEPEST = 8;

/** Keys that Hugging Face's libraries, trainers and older versions write and that do not change the logits. */
const HARMLESS: ReadonlySet<string> = new Set([
  // Names, origin, and the classes of other libraries.
  ...words('_name_or_path name_or_path model_type architectures auto_map transformers_version custom_pipelines'),
  ...words('tokenizer_class model_max_length max_length max_seq_len max_sequence_length transformers.js_config'),
  // Number formats, and how other libraries compute.
  ...words('torch_dtype dtype use_cache use_bfloat16 pretraining_tp attn_implementation _attn_implementation'),
  ...words('_attn_implementation_internal _attn_implementation_autoset experts_implementation'),
  ...words('_experts_implementation _experts_implementation_internal _flash_attn_2_enabled use_flash_attn'),
  ...words('use_flash_attention use_flash_attention_2 use_sdpa chunk_size_feed_forward torchscript low_cpu_mem_usage'),
  ...words('reorder_and_upcast_attn upcast_attn pad_sequence_to_multiple_of_64 attention_softmax_in_fp32'),
  ...words('output_attentions output_hidden_states return_dict use_return_dict tie_last_hidden_states'),
  ...words('keys_to_ignore_at_inference'),
  // Training.
  ...words('initializer_range initializer_factor attention_dropout attn_dropout attn_pdrop embd_pdrop resid_pdrop'),
  ...words('hidden_dropout hidden_dropout_prob attention_dropout_prob attention_probs_dropout_prob'),
  ...words('classifier_dropout embedding_dropout_prob ffn_dropout_prob gradient_checkpointing'),
  ...words('router_aux_loss_coef output_router_logits'),
  // Ids and texts: the tokenizer and the generation have their own rules.
  ...words('bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id cls_token_id mask_token_id'),
  ...words('decoder_start_token_id prefix task_specific_params generation_config'),
  // Heads of other tasks.
  ...words('id2label label2id num_labels problem_type finetuning_task summary_type'),
  // Sampling, which generation_config.json has taken over.
  ...words('temperature top_k top_p typical_p do_sample num_beams num_beam_groups repetition_penalty length_penalty'),
  ...words('diversity_penalty early_stopping min_length max_new_tokens num_return_sequences no_repeat_ngram_size'),
  ...words('encoder_no_repeat_ngram_size bad_words_ids output_scores remove_invalid_values forced_bos_token_id'),
  ...words('forced_eos_token_id suppress_tokens begin_suppress_tokens return_dict_in_generate'),
  ...words('exponential_decay_length_penalty'),
]);

/** Which values switch nothing on, by key. null never does; for other keys neither do false and what is empty. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...only('logits_scaling logit_scale embedding_multiplier residual_multiplier scale_emb', 1),
  ...only('full_attn_mod interpolate_factor rope_position_scale', 1),
  ...only('num_experts num_local_experts n_routed_experts num_nextn_predict_layers', 0),
  ...only('final_logit_softcapping attn_logit_softcapping attn_logit_softcap logits_soft_cap', 0, false),
  ...only('do_layer_norm_before scale_attn_weights', true),
  ...only('is_decoder', true, false),
  ...only('norm_type normalization_type norm', 'rmsnorm', 'rms_norm', 'RMSNorm'),
  ...only('hidden_activation activation_function activation hidden_act', 'silu', 'swish'),
  ...only('position_embedding_type pos_emb position_embedding', 'rope', 'rotary'),
  no_rope_layers: (value) => Array.isArray(value) && value.every((rotates) => rotates === 1),
  layer_types: (value) => Array.isArray(value) && value.every((type) => type === 'full_attention'),
};

/** Names of what these models have: false takes it away. */
const ALWAYS_ON =
  /^(use_|apply_|enable_|is_|with_)?(rope|rotary(_pos)?(_emb(eddings?)?)?|rms_?norm|causal(_mask|_attention)?|attention|silu|swiglu|glu|gated_mlp|residual)$/i;

/** Parts of the names of keys that choose what is computed. There are many: a refusal can be put right, a wrong answer not. */
const BEARS_ON_THE_MATHEMATICS = new RegExp(
  [
    ...words(
      'rope rotary position alibi yarn ntk theta freq norm eps act(?!or) glu gate bias window slid attn attention',
    ),
    ...words('causal mask chunk block spars sink head kv qk query key value scal multipl cap clip clamp softmax logit'),
    ...words(
      'temperature factor coef alpha beta gamma expert moe rout layer depth width skip residual parallel shar tie',
    ),
    ...words('tying hidden ffn mlp feed intermediate emb proj dim rank lora adapter mup altup laurel conv ssm mamba'),
    ...words(
      'recur state hyper loop cross encoder vision image audio prun quant interleav modul mod$ inv mtp nextn nope',
    ),
    ...words('memory compress (?:^|_)ln(?:_|$)'),
  ].join('|'),
  'i',
);

function isNeutral(key: string, value: unknown): boolean {
  if (value === null) return true;
  if (ALWAYS_ON.test(key)) return value === true;
  if (Object.hasOwn(NEUTRAL, key)) return NEUTRAL[key]!(value);
  return value === false || value === '' || (typeof value === 'object' && Object.keys(value!).length === 0);
}

function only(keys: string, ...neutral: readonly unknown[]): typeof NEUTRAL {
  return Object.fromEntries(words(keys).map((key) => [key, (value: unknown) => neutral.includes(value)]));
}

function words(text: string): string[] {
  return text.split(' ');
}

function quantisationProblem(value: unknown): string {
  const method = (value as { quant_method?: unknown }).quant_method;
  const by = typeof method === 'string' ? `by the method ${method}` : 'by a method that it does not name';
  return `quantization_config: the weights are quantised ${by}, which Airgap does not read. Take the model's unquantised weights or a GGUF file`;
}

/** A value as the sentence shows it, cut where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
