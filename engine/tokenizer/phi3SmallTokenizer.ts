import type { Tiktoken } from 'tiktoken/lite';
import type { AddedToken } from './addedTokens.ts';
import { assembleTokenizer } from './assemble.ts';
import { PHI3_SMALL_TEMPLATE } from './knownTemplates.ts';
import { LINE_START, rememberLines } from './lineMemory.ts';
import type { Tokenizer } from './tokenizerTypes.ts';
import { type TextSettings, parseTokenizerConfig } from './tokenizerConfig.ts';

/** Number of ordinary tokens of cl100k_base. The special ones follow. */
const RANKS = 100_256;

const dummies = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `dummy_id_${first + i}`);
/** In the order of their ids, from 100256 to 100351, as in Phi3SmallTokenizer of tokenization_phi3_small.py. */
const SPECIALS: readonly AddedToken[] = [
  ...['dummy_id_2', 'endoftext', 'fim_prefix', 'fim_middle', 'fim_suffix', 'system', 'user', 'assistant'],
  ...['dummy_id_0', 'dummy_id_1', 'end', ...dummies(3, 11), 'endofprompt', ...dummies(12, 86)],
].map((name, i) => ({ id: RANKS + i, content: `<|${name}|>`, lstrip: false, rstrip: false, special: true }));

/** One more than the highest id. */
export const VOCAB_SIZE = RANKS + SPECIALS.length;

/**
 * Makes phi-3-small's tokenizer: cl100k_base with the model's own special tokens, which absorb no white space. Texts begin
 * without one. Rejects with BadModel where tokenizer_config.json cannot be used.
 *
 * tiktoken's WASM splits and merges, since its white space is Unicode's: JavaScript's `\s` includes U+FEFF and excludes
 * U+0085, which gives other ids. It is loaded at the first call, so that other models do not pay for it.
 */
export async function createPhi3SmallTokenizer(settings: TextSettings): Promise<Tokenizer> {
  const config = parseTokenizerConfig(settings);
  const { Tiktoken } = await import('tiktoken/lite');
  const { default: ranks } = await import('tiktoken/encoders/cl100k_base');
  const encoder = new Tiktoken(ranks.bpe_ranks, {}, ranks.pat_str);
  let freed = false;
  const vocabulary = {
    encodePlain: rememberLines(LINE_START, (line) =>
      cutLongRuns(line).flatMap((part) => [...encoder.encode_ordinary(part)]),
    ),
    added: SPECIALS,
    bytes: tokenBytes(encoder),
    startsWithBos: false,
    leadingSpace: 'never' as const,
    lineBreak: LINE_START,
    dispose() {
      if (!freed) encoder.free();
      freed = true;
    },
  };
  const { bosToken = '<|endoftext|>', eosToken = '<|endoftext|>', chatTemplate = PHI3_SMALL_TEMPLATE } = config;
  return assembleTokenizer(vocabulary, { ...config, bosToken, eosToken, chatTemplate });
}

/**
 * tiktoken's time grows with the square of a piece's length: 100,000 spaces take 3 s at once, and 60 ms in parts. Real
 * texts have no words, gaps or rulers of this length, and no model knows their tokens better.
 */
const LONGEST_RUN = 1000;
const [LETTER, SPACE, OTHER] = ['\\p{L}', '\\p{White_Space}', '[^\\p{L}\\p{N}\\p{White_Space}]'];
const LONG_RUN = new RegExp(
  `(${[LETTER, SPACE, OTHER].map((one) => `(?<!${one})${one}{${LONGEST_RUN + 1},}`).join('|')})`,
  'u',
);
const RUN_PART = new RegExp(`.{1,${LONGEST_RUN}}`, 'gsu');

/** Splits a text at long runs into parts that are encoded separately. */
function cutLongRuns(text: string): string[] {
  return text.split(LONG_RUN).flatMap((part, i) => (i % 2 === 0 ? [part] : part.match(RUN_PART)!));
}

/** The bytes of each token, as views of one buffer: 100,000 small buffers would take twice the memory. */
function tokenBytes(encoder: Tiktoken): Uint8Array[] {
  const all = encoder.decode(Uint32Array.from({ length: RANKS }, (_, id) => id));
  let at = 0;
  const table = Array.from({ length: RANKS }, (_, id) => {
    const { length } = encoder.decode_single_token_bytes(id);
    return all.subarray(at, (at += length));
  });
  return [...table, ...SPECIALS.map(({ content }) => new TextEncoder().encode(content))];
}
