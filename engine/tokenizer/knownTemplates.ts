interface KnownTemplate {
  readonly template: string;
  /** Whether base models have these marks too, as Qwen's and SmolLM2's have those of ChatML. */
  readonly inBaseModels: boolean;
}

/** Chat templates of models whose files have none, by the marks in the vocabulary. */
const KNOWN: readonly (KnownTemplate & { readonly marks: readonly string[] })[] = [
  {
    marks: ['<|user|>', '<|assistant|>', '<|end|>'],
    template: turns('<|', '|>\\n', '<|end|>\\n'),
    inBaseModels: false,
  },
  {
    marks: ['<|im_start|>', '<|im_sep|>', '<|im_end|>'],
    template: turns('<|im_start|>', '<|im_sep|>', '<|im_end|>'),
    inBaseModels: false,
  },
  {
    marks: ['<|im_start|>', '<|im_end|>'],
    template: turns('<|im_start|>', '\\n', '<|im_end|>\\n'),
    inBaseModels: true,
  },
  {
    marks: ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
    template: `{{ bos_token }}${turns('<|start_header_id|>', '<|end_header_id|>\\n\\n', '<|eot_id|>')}`,
    inBaseModels: true,
  },
];

/** The template that belongs to the special tokens of a vocabulary: phi-3's, Phi-4's, ChatML, Llama 3's, or none. */
export function templateFor(hasMark: (name: string) => boolean): KnownTemplate | undefined {
  return KNOWN.find(({ marks }) => marks.every(hasMark));
}

/** phi-3-small's template as released: phi-3's with marks around the conversation. */
export const PHI3_SMALL_TEMPLATE = `{{ bos_token }}${KNOWN[0]!.template}{% if not add_generation_prompt %}{{ eos_token }}{% endif %}`;

/** A template that writes each message between `open` + its role + `behind` and `close`. */
function turns(open: string, behind: string, close: string): string {
  return (
    `{% for message in messages %}{{ '${open}' + message.role + '${behind}' + message.content + '${close}' }}{% endfor %}` +
    `{% if add_generation_prompt %}{{ '${open}assistant${behind}' }}{% endif %}`
  );
}
