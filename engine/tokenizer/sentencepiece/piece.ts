/** A token of a SentencePiece model or of a GGUF file; its id is its place in the list. */
export interface Piece {
  readonly text: string;
  /** Of two pairs of pieces that could be merged, the one whose result has the higher score is. */
  readonly score: number;
  readonly type: PieceType;
  /** Whether the token absorbs the white space behind it. */
  readonly rstrip: boolean;
}

/** SentencePiece's numbers, which GGUF has taken over (tokenizer.ggml.token_type). */
export const PieceType = { Normal: 1, Unknown: 2, Control: 3, UserDefined: 4, Unused: 5, Byte: 6 } as const;
export type PieceType = (typeof PieceType)[keyof typeof PieceType];
