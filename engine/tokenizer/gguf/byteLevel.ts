import { BadModel } from '../../errors.ts';
import { quoted } from '../../sources/quoted.ts';
import type { GgufMetadata } from '../../sources/gguf/metadata.ts';
import { addedTokensOf } from '../sentencepiece/addedTokensOf.ts';
import { type Piece, PieceType } from '../sentencepiece/piece.ts';
import type { PreTokenizerRule } from './preTokenizers.ts';
import { readTexts } from './vocabulary.ts';

/**
 * A byte-level BPE vocabulary (tokenizer.ggml.model "gpt2") as a tokenizer.json. Its tokens are spelled in GPT-2's printable
 * characters in both formats. Throws BadModel, in one sentence.
 */
export function byteLevelTokenizerJson(
  metadata: GgufMetadata,
  pieces: readonly Piece[],
  { patterns, normalizer, ignoresMerges }: PreTokenizerRule,
): object {
  const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    added_tokens: addedTokensOf(pieces),
    normalizer: normalizer === undefined ? null : { type: normalizer },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...patterns.map(split), byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      unk_token: null,
      byte_fallback: false,
      ignore_merges: ignoresMerges ?? false,
      vocab: Object.fromEntries(
        pieces.flatMap(({ text, type }, id) => (type === PieceType.Unused ? [] : [[text, id] as const])),
      ),
      merges: readMerges(metadata),
    },
  };
}

function readMerges(metadata: GgufMetadata): [string, string][] {
  const merges = readTexts(metadata, 'tokenizer.ggml.merges');
  if (!merges) throw new BadModel('The GGUF file has no merges for its vocabulary (tokenizer.ggml.merges).');
  return merges.map((merge): [string, string] => {
    const space = merge.indexOf(' ', 1);
    if (space > 0 && space < merge.length - 1) return [merge.slice(0, space), merge.slice(space + 1)];
    throw new BadModel(`tokenizer.ggml.merges of the GGUF file contains "${quoted(merge)}", which is no pair.`);
  });
}
