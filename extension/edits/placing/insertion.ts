/** A code block as it reads at a place in a document: that place's indentation, unit and line ends. Pure. */
import { blockLines, commonIndent, indentOf, indentUnit, rebased, withUnit } from './lines.ts';

export interface PlaceStyle {
  /** Of the line, what stands in front of the place. */
  readonly before: string;
  /** What was there ended in a line end, so this must too. */
  readonly wholeLines: boolean;
  /** One level of indentation: a tab, or spaces. */
  readonly unit: string;
  readonly eol: string;
}

export function insertionText(code: string, { before, wholeLines, unit, eol }: PlaceStyle): string {
  const given = blockLines(code);
  const lines = rebased(withUnit(given, indentUnit(given), unit), commonIndent(given), '');
  const indent = indentOf(before);
  // The first line stands behind `before`, which has the indentation already.
  const [first = '', ...rest] = rebased(lines, '', indent);
  return [first.slice(indent.length), ...rest].join(eol) + (wholeLines ? eol : '');
}
