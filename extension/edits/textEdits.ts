/** The smallest edits by whole lines that turn one text into another. Pure. */
import { diffArrays } from 'diff';

export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Texts that share little take long to compare, and their comparison is of no use. */
const LIMIT_MS = 500;

/** The offsets refer to `from`. The edits are in order, and none touches another. */
export function textEdits(from: string, to: string): TextEdit[] {
  const changes = diffArrays(linesWithEnds(from), linesWithEnds(to), { timeout: LIMIT_MS });
  if (!changes) return [{ start: 0, end: from.length, text: to }];
  const edits: TextEdit[] = [];
  let offset = 0;
  for (const { added, removed, value } of changes) {
    const text = value.join('');
    const last = edits.at(-1);
    if (!added && !removed) offset += text.length;
    else {
      const touches = last?.end === offset;
      const start = touches ? last.start : offset;
      if (removed) offset += text.length;
      if (touches) edits.pop();
      edits.push({ start, end: offset, text: (touches ? last.text : '') + (added ? text : '') });
    }
  }
  return edits;
}

function linesWithEnds(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\r\n|\n|\r(?!\n))/);
}
