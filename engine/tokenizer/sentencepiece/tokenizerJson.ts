import { BadModel } from '../../errors.ts';
import { quoted } from '../../sources/quoted.ts';
import { addedTokensOf } from './addedTokensOf.ts';
import { type Piece, PieceType } from './piece.ts';

export interface SentencePieceRules {
  /** Whether a space is put before each text. */
  readonly addsLeadingSpace: boolean;
  /** Whether several spaces become one, and those at both ends none. */
  readonly removesExtraSpaces: boolean;
}

/**
 * A SentencePiece BPE model as a tokenizer.json that gives the same ids: its scores become the order of merges, as
 * transformers' convert_slow_tokenizer.py does it. Throws BadModel, in one sentence.
 */
export function sentencePieceTokenizerJson(pieces: readonly Piece[], rules: SentencePieceRules): object {
  const unknown = pieces.find((piece) => piece.type === PieceType.Unknown)?.text;
  const vocab = Object.fromEntries(
    pieces.flatMap(({ text, type }, id) => (type === PieceType.Unused ? [] : [[text, id] as const])),
  );
  const bytes = pieces.filter((piece) => piece.type === PieceType.Byte);
  for (const { text } of bytes) {
    if (!/^<0x[0-9A-F]{2}>$/.test(text)) throw new BadModel(`The vocabulary marks "${quoted(text)}" as a byte.`);
  }
  if (bytes.length !== 0 && bytes.length !== 256) {
    throw new BadModel(`The vocabulary has tokens for ${bytes.length} of 256 bytes.`);
  }
  if (bytes.length === 0 && unknown === undefined) {
    throw new BadModel('The vocabulary has tokens neither for bytes nor for unknown characters.');
  }
  return {
    added_tokens: addedTokensOf(pieces),
    normalizer: normalizer(rules),
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: unknown ?? null,
      fuse_unk: true,
      byte_fallback: bytes.length > 0,
      vocab,
      merges: mergesOf(pieces),
    },
  };
}

function normalizer({ addsLeadingSpace, removesExtraSpaces }: SentencePieceRules): object {
  const replace = (Regex: string, content: string) => ({ type: 'Replace', pattern: { Regex }, content });
  const normalizers = [
    ...(removesExtraSpaces ? [replace('\\A +| +\\z', ''), replace(' {2,}', ' ')] : []),
    ...(addsLeadingSpace ? [{ type: 'Prepend', prepend: '\u2581' }] : []),
    { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
  ];
  return { type: 'Sequence', normalizers };
}

/** All pairs of pieces whose concatenation is a piece: by score, then as transformers orders the pairs of one piece. */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const ids = new Map<string, number>();
  for (const [id, { text, type }] of pieces.entries()) if (type === PieceType.Normal) ids.set(text, id);
  const merges: { left: string; right: string; score: number }[] = [];
  for (const { text, score, type } of pieces) {
    if (type !== PieceType.Normal) continue;
    const pairs: { left: string; right: string; score: number }[] = [];
    for (let at = 0; at < text.length; at++) {
      const [left, right] = [text.slice(0, at), text.slice(at)];
      if (ids.has(left) && ids.has(right)) pairs.push({ left, right, score });
    }
    pairs.sort((a, b) => ids.get(a.left)! - ids.get(b.left)! || ids.get(a.right)! - ids.get(b.right)!);
    for (const pair of pairs) merges.push(pair);
  }
  return merges.sort((a, b) => b.score - a.score).map(({ left, right }) => [left, right]);
}
