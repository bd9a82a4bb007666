/** markdown-it's rule for fenced blocks (lib/rules_block/fence.mjs), with blocks inside of blocks. Pure. */
import type { StateBlock } from 'markdown-it';
import { FenceScanner } from './fenceScanner.ts';

/** A fence token's `meta`: whether the closing fence is there. */
export interface FenceMeta extends Record<string, unknown> {
  readonly closed: boolean;
}

export function FENCE_RULE(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const { bMarks, tShift, eMarks, sCount, blkIndent, src } = state;
  const textOf = (line: number): string => src.slice(bMarks[line]! + tShift[line]!, eMarks[line]);
  if (sCount[startLine]! - blkIndent >= 4) return false;
  const [, markup, info] = /^(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(textOf(startLine)) ?? [];
  if (markup === undefined) return false;
  if (silent) return true;
  const scanner = new FenceScanner(markup, info!);
  // Less indented than the list entry that holds the block, a line ends both.
  const isOutside = (line: number): boolean => line >= endLine || (textOf(line) !== '' && sCount[line]! < blkIndent);
  const indented = (line: number): string =>
    isOutside(line) ? '' : ' '.repeat(Math.max(0, sCount[line]! - blkIndent)) + textOf(line);
  let line = startLine + 1;
  while (!isOutside(line) && !scanner.closes(indented(line), indented(line + 1))) line++;
  const closed = !isOutside(line);
  state.line = line + (closed ? 1 : 0);
  const token = state.push('fence', 'code', 0);
  token.info = info!;
  token.content = state.getLines(startLine + 1, line, sCount[startLine]!, true);
  token.markup = markup;
  token.map = [startLine, state.line];
  token.meta = { closed } satisfies FenceMeta;
  return true;
}
