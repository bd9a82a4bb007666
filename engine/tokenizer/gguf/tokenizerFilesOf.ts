import { BadModel } from '../../errors.ts';
import { quoted } from '../../sources/quoted.ts';
import type { GgufMetadata } from '../../sources/gguf/metadata.ts';
import { sentencePieceTokenizerJson } from '../sentencepiece/tokenizerJson.ts';
import type { TokenizerFiles } from '../tokenizer.ts';
import { byteLevelTokenizerJson } from './byteLevel.ts';
import { preTokenizerOf } from './preTokenizers.ts';
import { type GgufVocabulary, readFlag, readText, readVocabulary } from './vocabulary.ts';

/** Vocabularies of GGUF files that cannot be read, by tokenizer.ggml.model. */
const OTHER_MODELS: Readonly<Record<string, string>> = {
  bert: 'WordPiece',
  t5: 'SentencePiece Unigram',
  rwkv: 'RWKV',
  plamo2: 'PLaMo 2',
  gemma4: 'Gemma 4',
};

/**
 * The vocabulary in a GGUF file's metadata, spelled as Hugging Face's tokenizer.json and tokenizer_config.json, so that
 * it gives the same ids. Files without a vocabulary give no tokenizer.json. Throws BadModel, in one sentence.
 *
 * The keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer.
 */
export function tokenizerFilesOf(metadata: GgufMetadata): TokenizerFiles {
  const model = readText(metadata, 'tokenizer.ggml.model');
  if (model === undefined || model === 'none' || model === 'no_vocab') return {};
  if (model === 'llama') {
    const vocabulary = readVocabulary(metadata);
    const tokenizerJson = sentencePieceTokenizerJson(vocabulary.pieces, {
      addsLeadingSpace: readFlag(metadata, 'tokenizer.ggml.add_space_prefix') ?? true,
      removesExtraSpaces: readFlag(metadata, 'tokenizer.ggml.remove_extra_whitespaces') ?? false,
    });
    return { tokenizerJson, tokenizerConfig: tokenizerConfig(metadata, vocabulary, true) };
  }
  if (model === 'gpt2') {
    const rule = preTokenizerOf(readText(metadata, 'tokenizer.ggml.pre'));
    const vocabulary = readVocabulary(metadata);
    const tokenizerJson = byteLevelTokenizerJson(metadata, vocabulary.pieces, rule);
    return { tokenizerJson, tokenizerConfig: tokenizerConfig(metadata, vocabulary, rule.startsWithBos ?? false) };
  }
  const known = OTHER_MODELS[model];
  throw new BadModel(
    `The vocabulary of this GGUF file is of the kind "${quoted(model)}"${known ? ` (${known})` : ''}; ` +
      'only "llama" (SentencePiece) and "gpt2" (byte-level BPE) are supported.',
  );
}

function tokenizerConfig(metadata: GgufMetadata, vocabulary: GgufVocabulary, startsWithBos: boolean): object {
  const { bos, eos, eot, eom, chatTemplate } = vocabulary;
  const addsBos = readFlag(metadata, 'tokenizer.ggml.add_bos_token') ?? (startsWithBos && bos !== undefined);
  if (addsBos && bos === undefined) {
    throw new BadModel('The GGUF file says that texts begin with a start token, but not which one (bos_token_id).');
  }
  return {
    bos_token: bos,
    eos_token: eos,
    eot_token: eot,
    eom_token: eom,
    add_bos_token: addsBos,
    chat_template: chatTemplate,
  };
}
