/** The text around a cursor; lines end in `\n`. */
export interface CursorText {
  readonly fileName: string;
  readonly languageId: string;
  /** Text before and after the cursor. A prefix that is cut must be cut at a place that stays the same. */
  readonly prefix: string;
  readonly suffix: string;
}
