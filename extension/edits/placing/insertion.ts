/** Fits a code block to a place in a document: to its indentation, its indentation unit and its line ends. Pure. */
import { blockLines, commonIndent, indentOf, indentUnit, rebased, withUnit } from './lines.ts';

export interface PlaceStyle {
  /** The text of the line in front of the place. */
  readonly before: string;
  /** Whether the replaced text ended with a line end, so that the new text must too. */
  readonly wholeLines: boolean;
  /** One level of indentation: a tab, or spaces. */
  readonly unit: string;
  readonly eol: string;
}

export function insertionText(code: string, { before, wholeLines, unit, eol }: PlaceStyle): string {
  const given = blockLines(code);
  const lines = rebased(withUnit(given, indentUnit(given), unit), commonIndent(given), '');
  const indent = indentOf(before);
  // The first line follows `before`, which has the indentation already.
  const [first = '', ...rest] = rebased(lines, '', indent);
  return [first.slice(indent.length), ...rest].join(eol) + (wholeLines ? eol : '');
}
