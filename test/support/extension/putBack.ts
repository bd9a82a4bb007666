/** Whether Apply puts a changed declaration back where it stood. */
import { declarations } from '../../../extension/edits/placing/declarations.ts';
import { indentOf, isWeak, linesOf } from '../../../extension/edits/placing/lines.ts';
import { locate } from '../../../extension/edits/placing/locate.ts';

/** A shorter declaration is little more than the line that changes. */
const FEWEST_LINES = 3;

/** "Asked" offers several places, the right one among them. */
export type PutBack = 'right' | 'asked' | 'nowhere' | 'wrong';

/** What becomes of each declaration of a file, with one of its lines changed. `line` counts from 1. */
export function* putBack(text: string, next: () => number): Generator<{ line: number; result: PutBack }> {
  const lines = linesOf(text);
  for (const { line, end } of declarations(lines)) {
    if (end - line < FEWEST_LINES) continue;
    const result = placed(lines, line, end, next);
    if (result !== undefined) yield { line: line + 1, result };
  }
}

/** What becomes of the lines from `start` up to `end` with one of those inside changed; undefined where none can be. */
function placed(file: readonly string[], start: number, end: number, next: () => number): PutBack | undefined {
  const inside = Array.from({ length: end - start - 1 }, (_, i) => start + 1 + i).filter((at) => !isWeak(file[at]!));
  const at = inside[Math.floor(next() * inside.length)];
  if (at === undefined) return undefined;
  const changed = file.with(at, file[at]!.replace(/[\p{L}_]{2,}/u, '$&Changed'));
  // As a model writes it: without the indentation of what is around it.
  const indent = indentOf(file[start]!).length;
  const code = changed.slice(start, end).map((line) => line.slice(Math.min(indent, indentOf(line).length)));
  const texts = locate(file.join('\n'), { code: code.join('\n'), language: '' }).map(({ text }) => text);
  const wanted = changed.join('\n');
  if (texts.length === 0) return 'nowhere';
  if (texts.length > 1) return texts.includes(wanted) ? 'asked' : 'wrong';
  return texts[0] === wanted ? 'right' : 'wrong';
}
