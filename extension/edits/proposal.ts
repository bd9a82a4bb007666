/** A change to one file that waits for the user's decision. Whoever holds the file keeps its encoding. Pure. */
import type { Place } from './placing/locate.ts';
import { type TextEdit, textEdits } from './textEdits.ts';

/** A file's text as an editor shows it: one kind of line end. */
export interface FileText {
  readonly text: string;
  readonly eol: '\n' | '\r\n';
}

/** Finds the places of a change in a text. */
export type Locate = (text: string) => Place[];

export class Proposal {
  /** The file's text when the proposal was made. */
  readonly before: string;
  /** The file's text with the change, with the file's own line ends. */
  readonly after: string;
  /** Finds the change again, for when the file changed before the user decided. */
  readonly locate: Locate;

  constructor({ text, eol }: FileText, place: Place, locate: Locate) {
    this.before = text;
    this.after = eol === '\n' ? place.text : place.text.replaceAll('\n', eol);
    this.locate = locate;
  }

  get changesNothing(): boolean {
    return this.after === this.before;
  }

  /** The edits to the file; undefined if its text is no longer what the user was shown. */
  editsTo(text: string): TextEdit[] | undefined {
    return text === this.before ? textEdits(this.before, this.after) : undefined;
  }
}

/** The files in which the change has a place; all files if it has a place in none of them. */
export function fittingFiles<T>(files: readonly T[], placesIn: (file: T) => Place[]): readonly T[] {
  const fitting = files.filter((file) => placesIn(file).length > 0);
  return fitting.length > 0 ? fitting : files;
}
