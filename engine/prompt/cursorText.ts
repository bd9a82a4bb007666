/** Where the cursor stands; lines end in `\n`. */
export interface CursorText {
  readonly fileName: string;
  readonly languageId: string;
  /** Whole text before and after the cursor: a prefix cut at its start must be cut where it stays cut. */
  readonly prefix: string;
  readonly suffix: string;
}
