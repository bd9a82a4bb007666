import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { BadModel, errorMessage } from '../errors.ts';
import { assembleTokenizer } from './assemble.ts';
import { rememberLines } from './lineMemory.ts';
import { tokenBytes } from './tokenBytes.ts';
import { type TokenizerJson, tokenizerSchema } from './tokenizerJson.ts';
import type { Tokenizer } from './tokenizerTypes.ts';
import { type TextSettings, parseFile, parseTokenizerConfig } from './tokenizerConfig.ts';

export interface HfTokenizerFiles extends TextSettings {
  /** Parsed tokenizer.json. */
  readonly tokenizerJson: unknown;
}

/**
 * Reads a byte-pair tokenizer. Throws BadModel, in one sentence.
 *
 * @huggingface/tokenizers 0.2.0 computes normaliser, pre-tokeniser and merges. Two parts are replaced, since it differs
 * from the released tokenizers: splitting at added tokens (addedTokens.ts), and decoding bytes (assemble.ts).
 */
export function createTokenizer(files: HfTokenizerFiles): Tokenizer {
  const json = parseFile('tokenizer.json', tokenizerSchema, files.tokenizerJson);
  const config = parseTokenizerConfig(files);
  const library = build(json);
  const vocabulary = {
    encodePlain: plainEncoder(library, json),
    added: json.added_tokens,
    bytes: tokenBytes(json),
    startsWithBos: config.addsBos ?? startsWithToken(json.post_processor, config.bosToken),
    addsLeadingSpace: library.normalizer?.normalize('x') === '\u2581x',
    dispose() {}, // The library holds nothing but JavaScript objects.
  };
  return assembleTokenizer(vocabulary, config);
}

/** Returns a function that encodes text without added tokens. */
function plainEncoder(library: LibraryTokenizer, json: TokenizerJson): (text: string) => number[] {
  const model = library.model!;
  const normalize = (text: string) => (library.normalizer && text !== '' ? library.normalizer.normalize(text) : text);
  const encode = (pieces: string[]) =>
    model._call(pieces).map((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id!);
  const split = library.pre_tokenizer;
  if (split) return (text) => encode(split.pre_tokenize([normalize(text)]));
  const whole = (text: string) => (text === '' ? [] : encode([text]));
  // No merge crosses a newline where no token holds one, and no unknown characters fuse where each has its bytes.
  const byLine = json.model.byte_fallback && !model.vocab.some((token) => token.length > 1 && token.includes('\n'));
  const encodeNormal = byLine ? rememberLines(whole) : whole;
  return (text) => encodeNormal(normalize(text));
}

function build(json: TokenizerJson): LibraryTokenizer {
  try {
    return new LibraryTokenizer(json, {});
  } catch (error) {
    throw new BadModel(`tokenizer.json cannot be used: ${errorMessage(error)}.`);
  }
}

/** Whether a TemplateProcessing post-processor puts `name` before a single text. */
function startsWithToken(postProcessor: TokenizerJson['post_processor'], name: string | undefined): boolean {
  const single = postProcessor?.['single'];
  return Array.isArray(single) && single[0]?.SpecialToken?.id === name;
}
