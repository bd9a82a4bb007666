import { BadModel } from '../../errors.ts';
import { quoted } from '../../sources/quoted.ts';
import {
  CL100K_PATTERN,
  DEEPSEEK_V3_PATTERN,
  GPT2_PATTERN,
  NEWLINE_PATTERN,
  O200K_PATTERN,
  QWEN2_PATTERN,
  SEED_CODER_PATTERN,
  TEKKEN_PATTERN,
} from '../splitPatterns.ts';

/** How a byte-level tokenizer prepares a text before it merges bytes. */
export interface PreTokenizerRule {
  /** Regular expressions in Oniguruma's syntax: each splits what the previous one has left, matches and gaps alike. */
  readonly patterns: readonly string[];
  readonly normalizer?: 'NFC';
  /** Whether a word that is a token is taken as a whole, whatever the merges say. */
  readonly ignoresMerges?: boolean;
  /** Whether texts begin with the start token where the file does not tell. */
  readonly startsWithBos?: boolean;
}

/** The rule that tokenizer.ggml.pre names. Throws BadModel for a name that is not known. */
export function preTokenizerOf(name: string | undefined): PreTokenizerRule {
  if (name === undefined) {
    throw new BadModel(
      'The GGUF file does not name the rule by which its vocabulary splits text (tokenizer.ggml.pre); ' +
        'convert the model again with a newer converter.',
    );
  }
  const rule = RULES.find(({ names }) => names.includes(name));
  if (rule) return rule;
  throw new BadModel(
    `The vocabulary splits text by the rule "${quoted(name)}" (tokenizer.ggml.pre), which is not supported.`,
  );
}

const IDEOGRAPHS = '[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+';
const KANA_AND_IDEOGRAPHS = '[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+';

/**
 * The rules by the names that llama.cpp's converters write. The patterns are those of the models' own tokenizer.json; for
 * which names they stand says llama.cpp (src/llama-vocab.cpp).
 */
const RULES: readonly (PreTokenizerRule & { readonly names: readonly string[] })[] = [
  {
    names: ['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais', 'trillion', 'granite-docling', 'exaone4', 'mellum'],
    patterns: [GPT2_PATTERN],
  },
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
    patterns: ['\\p{N}', GPT2_PATTERN],
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'],
    patterns: [CL100K_PATTERN],
    ignoresMerges: true,
    startsWithBos: true,
  },
  { names: ['dbrx', 'smaug-bpe', 'glm4', 'chatglm-bpe'], patterns: [CL100K_PATTERN] },
  {
    names: ['qwen2', 'megrez', 'deepseek-r1-qwen', 'kormo', 'f2llmv2'],
    patterns: [QWEN2_PATTERN],
    normalizer: 'NFC',
  },
  { names: ['stablelm2', 'hunyuan', 'solar-open', 'grok-2'], patterns: [QWEN2_PATTERN] },
  { names: ['seed-coder'], patterns: [SEED_CODER_PATTERN] },
  { names: ['gpt-4o', 'llama4', 'kanana2'], patterns: [O200K_PATTERN] },
  { names: ['tekken'], patterns: [TEKKEN_PATTERN], ignoresMerges: true, startsWithBos: true },
  {
    names: ['deepseek-coder'],
    patterns: [NEWLINE_PATTERN, '\\s?\\p{L}+', '\\s?\\p{P}+', IDEOGRAPHS, '\\p{N}'],
  },
  {
    names: ['deepseek-v3', 'hunyuan-dense', 'joyai-llm'],
    patterns: ['\\p{N}{1,3}', KANA_AND_IDEOGRAPHS, DEEPSEEK_V3_PATTERN],
  },
  {
    names: ['default'],
    patterns: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2_PATTERN, '\\p{N}+', '[0-9][0-9][0-9]'],
  },
];
