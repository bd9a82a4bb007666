/** Tokens that end an answer even where generation_config.json omits them (phi-3-vision names only 2). */
export const END_MARKS: readonly string[] = [
  ...['<|endoftext|>', '<|end|>', '<|assistant|>', '<|user|>', '<|system|>', '</s>'],
  // ChatML (Qwen, Phi-4, SmolLM2), Llama 3, Gemma, DeepSeek, CodeLlama.
  ...['<|im_end|>', '<|im_start|>', '<|eot_id|>', '<|eom_id|>', '<|end_of_text|>', '<|start_header_id|>'],
  ...['<end_of_turn>', '<start_of_turn>', '<\uFF5Cend\u2581of\u2581sentence\uFF5C>', '<EOT>', '\u2581<EOT>'],
];

/** Whether a token's name is written as no text is: `<|user|>`, `<\uFF5Cfim\u2581begin\uFF5C>`, `<fim_prefix>`. */
export function isMark(name: string): boolean {
  return /^<\|.+\|>$|^<\uFF5C.+\uFF5C>$|^<(fim[_-]\w+|file_sep|repo_name)>$/u.test(name);
}

/**
 * Whether a mark of phi-3-mini and phi-3-medium absorbs the white space behind it. tokenizer.json and
 * tokenizer_config.json say so; GGUF files and added_tokens.json cannot.
 */
export function stripsSpaceBehind(name: string): boolean {
  return !['<unk>', '<s>', '<|endoftext|>'].includes(name);
}
