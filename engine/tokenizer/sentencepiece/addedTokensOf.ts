import { type Piece, PieceType } from './piece.ts';

/** An entry of tokenizer.json's added_tokens. */
export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
}

/** The pieces at which a text is split before anything else happens to it. */
export function addedTokensOf(pieces: readonly Piece[]): AddedTokenJson[] {
  const kinds: readonly PieceType[] = [PieceType.Control, PieceType.UserDefined, PieceType.Unknown];
  return pieces.flatMap(({ text, type, rstrip }, id) => {
    if (!kinds.includes(type)) return [];
    const special = type !== PieceType.UserDefined;
    return [{ id, content: text, special, lstrip: false, rstrip, normalized: false }];
  });
}
