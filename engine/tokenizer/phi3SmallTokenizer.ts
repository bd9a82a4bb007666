import type { Tiktoken } from 'tiktoken/lite';
import type { AddedToken } from './addedTokens.ts';
import { assembleTokenizer } from './assemble.ts';
import { rememberLines } from './lineMemory.ts';
import type { Tokenizer } from './tokenizerTypes.ts';
import { type TextSettings, parseTokenizerConfig } from './tokenizerConfig.ts';

/** Ordinary tokens of cl100k_base; the special ones follow. */
const RANKS = 100_256;

const dummies = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `dummy_id_${first + i}`);
/** In order of their ids, from 100256 to 100351. By Phi3SmallTokenizer in tokenization_phi3_small.py. */
const SPECIALS: readonly AddedToken[] = [
  ...['dummy_id_2', 'endoftext', 'fim_prefix', 'fim_middle', 'fim_suffix', 'system', 'user', 'assistant'],
  ...['dummy_id_0', 'dummy_id_1', 'end', ...dummies(3, 11), 'endofprompt', ...dummies(12, 86)],
].map((name, i) => ({ id: RANKS + i, content: `<|${name}|>`, lstrip: false, rstrip: false }));

/** One more than the highest id. */
export const VOCAB_SIZE = RANKS + SPECIALS.length;

/** Rendered as by the released tokenizer_config.json, for folders that have none. */
const CHAT_TEMPLATE =
  '{{ bos_token }}' +
  "{% for message in messages %}{{ '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}";

/**
 * phi-3-small's tokenizer: cl100k_base with the model's own special tokens, which strip nothing; a text begins without
 * one. Rejects with BadModel where tokenizer_config.json cannot be used.
 *
 * tiktoken's WASM cuts and merges, since its white space is Unicode's: JavaScript's `\s` takes U+FEFF for it and U+0085
 * not, which gives other ids. It is loaded at the first call, so that other models do not pay for it.
 */
export async function createPhi3SmallTokenizer(settings: TextSettings): Promise<Tokenizer> {
  const config = parseTokenizerConfig(settings);
  const { Tiktoken } = await import('tiktoken/lite');
  const { default: ranks } = await import('tiktoken/encoders/cl100k_base');
  const encoder = new Tiktoken(ranks.bpe_ranks, {}, ranks.pat_str);
  let freed = false;
  const vocabulary = {
    encodePlain: rememberLines((line) => cutLongRuns(line).flatMap((part) => [...encoder.encode_ordinary(part)])),
    added: SPECIALS,
    bytes: tokenBytes(encoder),
    startsWithBos: false,
    addsLeadingSpace: false,
    dispose() {
      if (!freed) encoder.free();
      freed = true;
    },
  };
  const { bosToken = '<|endoftext|>', eosToken = '<|endoftext|>', chatTemplate = CHAT_TEMPLATE } = config;
  return assembleTokenizer(vocabulary, { ...config, bosToken, eosToken, chatTemplate });
}

/**
 * tiktoken's time goes with the square of a piece's length: 3 s for 100,000 spaces, 60 ms in parts. Nobody writes
 * words, gaps or rulers of this many characters, and no model knows their tokens better.
 */
const LONGEST_RUN = 1000;
const [LETTER, SPACE, OTHER] = ['\\p{L}', '\\p{White_Space}', '[^\\p{L}\\p{N}\\p{White_Space}]'];
const LONG_RUN = new RegExp(
  `(${[LETTER, SPACE, OTHER].map((one) => `(?<!${one})${one}{${LONGEST_RUN + 1},}`).join('|')})`,
  'u',
);
const RUN_PART = new RegExp(`.{1,${LONGEST_RUN}}`, 'gsu');

/** The text in parts that are encoded on their own: one part, unless it holds such a run. */
function cutLongRuns(text: string): string[] {
  return text.split(LONG_RUN).flatMap((part, i) => (i % 2 === 0 ? [part] : part.match(RUN_PART)!));
}

/** By id: views of one buffer, since 100,000 small ones take twice the memory. */
function tokenBytes(encoder: Tiktoken): Uint8Array[] {
  const all = encoder.decode(Uint32Array.from({ length: RANKS }, (_, id) => id));
  let at = 0;
  const table = Array.from({ length: RANKS }, (_, id) => {
    const { length } = encoder.decode_single_token_bytes(id);
    return all.subarray(at, (at += length));
  });
  return [...table, ...SPECIALS.map(({ content }) => new TextEncoder().encode(content))];
}
