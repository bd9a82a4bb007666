import type { OtherFile } from './otherFiles.ts';

/** The text around a cursor; lines end in `\n`. */
export interface CursorText {
  readonly fileName: string;
  readonly languageId: string;
  /** Text before and after the cursor. A prefix that is cut must be cut at a place that stays the same. */
  readonly prefix: string;
  readonly suffix: string;
  /** Parts of other files to show, the most useful first; they stay the same while the user types. */
  readonly otherFiles?: readonly OtherFile[] | undefined;
}
