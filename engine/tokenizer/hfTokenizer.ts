import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { BadModel, errorMessage } from '../errors.ts';
import type { AddedToken } from './addedTokens.ts';
import { assembleTokenizer } from './assemble.ts';
import { BytePairs } from './bytePairs.ts';
import { LINE_START, rememberLines } from './lineMemory.ts';
import { END_MARKS, isMark } from './marks.ts';
import { prepareText, type TextRules } from './prepareText.ts';
import { tokenBytes } from './tokenBytes.ts';
import { type TokenizerJson, tokenizerSchema } from './tokenizerJson.ts';
import type { Tokenizer } from './tokenizerTypes.ts';
import { type TextSettings, type TokenizerConfig, parseFile, parseTokenizerConfig } from './tokenizerConfig.ts';

export interface HfTokenizerFiles extends TextSettings {
  /** Parsed tokenizer.json. */
  readonly tokenizerJson: unknown;
}

/**
 * Reads a byte-pair tokenizer. Throws BadModel, in one sentence.
 *
 * @huggingface/tokenizers 0.2.0 computes normaliser and pre-tokeniser. The rest is ours. It differs from the released
 * tokenizers in splitting at added tokens (addedTokens.ts), the space before texts, some rules of splitting
 * (prepareText.ts), and decoding bytes (assemble.ts); its merges (bytePairs.ts) are slow.
 */
export function createTokenizer(files: HfTokenizerFiles): Tokenizer {
  const json = parseFile('tokenizer.json', tokenizerSchema, files.tokenizerJson);
  const config = parseTokenizerConfig(files);
  const rules = prepareText(json);
  const library = build(rules);
  const pairs = new BytePairs(json.model, rules.byteLevel);
  const added = json.added_tokens.map((token) => ({ ...token, special: token.special || isSpecial(token, config) }));
  const lineBreak = lineBreakOf(rules, json, added);
  const vocabulary = {
    encodePlain: plainEncoder(library, pairs, rules, lineBreak),
    added,
    bytes: tokenBytes(json),
    startsWithBos: config.addsBos ?? startsWithToken(json.post_processor, config.bosToken),
    leadingSpace: rules.leadingSpace,
    lineBreak,
    dispose() {}, // The library holds nothing but JavaScript objects.
  };
  return assembleTokenizer(vocabulary, config);
}

/** Returns a function that encodes text without added tokens; `begins` says that a leading space belongs before it. */
function plainEncoder(
  library: LibraryTokenizer,
  pairs: BytePairs,
  { prepend, splitsAt }: TextRules,
  lineBreak: RegExp | undefined,
): (text: string, begins: boolean) => number[] {
  const split = library.pre_tokenizer;
  const encodeNormal = (text: string): number[] => {
    if (text === '') return [];
    if (split) return pairs.encode(split.pre_tokenize([text]));
    return pairs.encode(splitsAt ? text.split(splitsAt) : [text]);
  };
  const encode = lineBreak ? rememberLines(lineBreak, encodeNormal) : encodeNormal;
  return (text, begins) => {
    const normal = library.normalizer && text !== '' ? library.normalizer.normalize(text) : text;
    return encode(begins ? prepend(normal) : normal);
  };
}

/** Where a text may be cut so that its parts have the same ids; undefined where no such place is known. */
function lineBreakOf(
  { lineBreak }: TextRules,
  { model }: TokenizerJson,
  added: readonly AddedToken[],
): RegExp | undefined {
  const acrossLines = (name: string) => name.length > 1 && name.includes('\n');
  if (added.some((token) => !token.special && (acrossLines(token.content) || token.lstrip || token.rstrip)))
    return undefined;
  if (lineBreak !== 'tokens') return lineBreak;
  // No merge crosses a newline where no token holds one, and no unknown characters fuse where each has its bytes.
  return model.byte_fallback && !Object.keys(model.vocab).some(acrossLines) ? LINE_START : undefined;
}

/** Files call some marks no special tokens: phi-3's `</s>`, and the fill-in-the-middle marks of Qwen2.5-Coder. */
function isSpecial({ content }: AddedToken, { bosToken, eosToken, endTokens }: TokenizerConfig): boolean {
  return [bosToken, eosToken, ...endTokens, ...END_MARKS].includes(content) || isMark(content);
}

/** The library's normaliser and pre-tokeniser, without a vocabulary. */
function build({ normalizer, preTokenizer }: TextRules): LibraryTokenizer {
  const model = { type: 'BPE', vocab: {}, merges: [] };
  const unused = { model, added_tokens: [], post_processor: null, decoder: null };
  try {
    return new LibraryTokenizer({ ...unused, normalizer, pre_tokenizer: preTokenizer }, {});
  } catch (error) {
    throw new BadModel(`tokenizer.json cannot be used: ${errorMessage(error)}.`);
  }
}

/** Whether a TemplateProcessing post-processor puts `name` before a single text. */
function startsWithToken(postProcessor: TokenizerJson['post_processor'], name: string | undefined): boolean {
  const processors = [postProcessor, ...listOf(postProcessor?.['processors'])] as TokenizerJson['post_processor'][];
  return processors.some((processor) => {
    const single = processor?.['single'];
    return name !== undefined && Array.isArray(single) && single[0]?.SpecialToken?.id === name;
  });
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
