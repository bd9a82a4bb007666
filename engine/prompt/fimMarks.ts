import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Token ids of the marks before the prefix, the suffix and what stands between them. */
export interface FimMarks {
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
  /** Whether only models that were trained to fill in have these marks. */
  readonly onlyTrained: boolean;
}

/** The names in released vocabularies. */
const NAMES: readonly [prefix: string, suffix: string, middle: string][] = [
  // Our starter, Qwen; phi-3-small has them without having been trained with them.
  ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'],
  // StarCoder, Granite; SantaCoder.
  ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'],
  ['<fim-prefix>', '<fim-suffix>', '<fim-middle>'],
  // DeepSeek-Coder.
  ['<\uFF5Cfim\u2581begin\uFF5C>', '<\uFF5Cfim\u2581hole\uFF5C>', '<\uFF5Cfim\u2581end\uFF5C>'],
  // CodeLlama.
  ['\u2581<PRE>', '\u2581<SUF>', '\u2581<MID>'],
  ['<PRE>', '<SUF>', '<MID>'],
];

/** The fill-in-the-middle marks of a vocabulary; undefined where it has none. */
export function fimMarks(tokenizer: Tokenizer): FimMarks | undefined {
  for (const [i, names] of NAMES.entries()) {
    const [prefix, suffix, middle] = names.map((name) => tokenizer.special(name));
    if (prefix === undefined || suffix === undefined || middle === undefined) continue;
    // Vocabularies with a mark between files are those of models that learnt from whole repositories.
    const onlyTrained = i > 0 || tokenizer.special('<|file_sep|>') !== undefined;
    return { prefix, suffix, middle, onlyTrained };
  }
  return undefined;
}

/**
 * Whether a chat model with these marks was trained to fill in. All models of the Qwen family share one vocabulary, but
 * only those for code learnt its marks.
 */
export function areTrained({ onlyTrained }: FimMarks, name = ''): boolean {
  return onlyTrained && !(/qwen/i.test(name) && !/code/i.test(name));
}
