/**
 * The regular expressions by which byte-level tokenizers split a text into words before they merge bytes, in Oniguruma's
 * syntax and spelled exactly as in the models' tokenizer.json, so that a file's rule is recognised.
 */

const CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const WHITE_SPACE = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';

/** GPT-2's: letters, digits and other signs, each with at most one space before them. */
export const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** cl100k_base's (Llama 3, Phi-4), and Qwen2's with single digits. Newlines behind a sign belong to it. */
const cl100k = (digits: string) =>
  `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${WHITE_SPACE}`;
export const CL100K_PATTERN = cl100k('\\p{N}{1,3}');
export const QWEN2_PATTERN = cl100k('\\p{N}');

/** Seed-Coder's: as Qwen2's, but newlines stand apart from signs. */
export const SEED_CODER_PATTERN = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${WHITE_SPACE}`;

/** o200k_base's (Phi-4-mini) and Tekken's (Mistral): words end before a capital. */
const o200k = (contraction: string, digits: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${contraction}|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${contraction}|` +
  `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${WHITE_SPACE}`;
export const O200K_PATTERN = o200k(`${CONTRACTION}?`, '\\p{N}{1,3}');
export const TEKKEN_PATTERN = o200k('', '\\p{N}');

/** DeepSeek-V3's, behind patterns for digits and for Chinese and Japanese. */
export const DEEPSEEK_V3_PATTERN =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|' +
  ` ?[\\p{P}\\p{S}]+[\\r\\n]*|${WHITE_SPACE}`;

/** DeepSeek-Coder's first pattern: each newline stands alone. */
export const NEWLINE_PATTERN = '[\\r\\n]';
