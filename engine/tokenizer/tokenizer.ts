import { BadModel } from '../errors.ts';
import { createTokenizer } from './hfTokenizer.ts';
import { createPhi3SmallTokenizer, VOCAB_SIZE } from './phi3SmallTokenizer.ts';
import { fromSentencePiece } from './sentencepiece/tokenizerFiles.ts';
import type { Tokenizer } from './tokenizerTypes.ts';

export { createTokenizer };
export type { Tokenizer };

/** The files from which a tokenizer is made; a model may lack any of them. */
export interface TokenizerFiles {
  /** Parsed tokenizer.json. */
  readonly tokenizerJson?: unknown;
  /** Parsed tokenizer_config.json. */
  readonly tokenizerConfig?: unknown;
  /** Text of chat_template.jinja. */
  readonly chatTemplate?: string | undefined;
  /** Content of tokenizer.model, and parsed added_tokens.json and special_tokens_map.json, which it needs. */
  readonly sentencePieceModel?: Uint8Array | undefined;
  readonly addedTokens?: unknown;
  readonly specialTokensMap?: unknown;
}

export interface TokenizedModel {
  readonly architecture: string;
  readonly vocabSize: number;
  /** eos_token_id of generation_config.json (or config.json). */
  readonly generationStopIds: readonly number[];
}

/**
 * Makes a model's tokenizer from tokenizer.json where it has one, otherwise from tokenizer.model, otherwise phi-3-small's
 * own where the architecture asks for it. Resolves to null for a model that takes ids only. Rejects with BadModel, in one sentence. The caller
 * disposes the tokenizer.
 */
export async function readTokenizer(files: TokenizerFiles, model: TokenizedModel): Promise<Tokenizer | null> {
  const { tokenizerJson, tokenizerConfig } = files.tokenizerJson === undefined ? rewritten(files, model) : files;
  const { chatTemplate } = files;
  const texts = {
    tokenizerConfig: tokenizerConfig ?? {},
    generationStopIds: model.generationStopIds,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  };
  if (tokenizerJson !== undefined) {
    const tokenizer = createTokenizer({ tokenizerJson, ...texts });
    checkVocabulary(
      files.tokenizerJson === undefined ? 'tokenizer.model' : 'tokenizer.json',
      tokenizer.vocabSize,
      model.vocabSize,
    );
    return tokenizer;
  }
  if (model.architecture !== 'Phi3SmallForCausalLM') return null;
  // Without any file of a tokenizer, a smaller vocabulary is not the released one, and not meant to be text.
  if (tokenizerConfig === undefined && model.vocabSize < VOCAB_SIZE) return null;
  checkVocabulary("phi-3-small's tokenizer", VOCAB_SIZE, model.vocabSize);
  return createPhi3SmallTokenizer(texts);
}

function rewritten(files: TokenizerFiles, { architecture }: TokenizedModel): TokenizerFiles {
  const { sentencePieceModel, addedTokens, specialTokensMap, tokenizerConfig } = files;
  if (!sentencePieceModel) return files;
  return fromSentencePiece({ sentencePieceModel, addedTokens, specialTokensMap, tokenizerConfig }, architecture);
}

/** Throws BadModel where the tokenizer has an id without a row in the embedding. */
function checkVocabulary(name: string, ids: number, vocabSize: number): void {
  if (ids > vocabSize)
    throw new BadModel(`${name} has ids up to ${ids - 1}; config.json says vocab_size ${vocabSize}.`);
}
