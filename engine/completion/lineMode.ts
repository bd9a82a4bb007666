import { depthOf, maskLiterals } from './brackets.ts';
import type { Cursor } from './cursor.ts';
import type { Language } from '../prompt/languages.ts';

/** 'single': to the end of the line. 'multi': a block, if the text opens one. 'block': continues over several lines. */
export type LineMode = 'none' | 'single' | 'multi' | 'block';

/** The text that may follow the cursor where a completion runs to the end of the line. */
const ONLY_CLOSERS = /^[\s)\]}>"'`;,:/]*$/;

/** Decides how much to complete at the cursor, by the text around it. */
export function lineMode(cursor: Cursor, multiline: 'auto' | 'always' | 'never'): LineMode {
  const { lineBefore, lineAfter, previousLine, language } = cursor;
  if (cursor.prefix.trim() === '' && cursor.suffix.trim() === '') return 'none';
  if (/^[\p{L}\p{N}_]/u.test(lineAfter)) return 'none'; // Inside a word, or right before one that the text would be glued to.
  if (lineBefore.trim() === '' && !ONLY_CLOSERS.test(lineAfter)) return 'none'; // After Enter in front of a statement.
  if (multiline === 'never' || !ONLY_CLOSERS.test(lineAfter)) return 'single';
  if (multiline === 'always') return 'block';
  if (lineAfter.trim() !== '') return /\{\s*$/.test(lineBefore) && /^\s*\}/.test(lineAfter) ? 'multi' : 'single';
  if (lineBefore.trim() !== '') return opensBlock(lineBefore, language) ? 'multi' : 'single';
  return opensBlock(previousLine, language) || isComment(previousLine, language) ? 'block' : 'single';
}

/** Whether `line` begins a statement or block that continues on the next line. */
export function opensBlock(line: string, language: Language): boolean {
  const code = maskLiterals(line, language).trimEnd();
  if (depthOf(code) > 0 || /(?:=>|[([{]|[^<>=!]=)$/.test(code)) return true;
  switch (language.blocks) {
    case 'brackets':
      return false;
    case 'indentation':
      return code.endsWith(':');
    case 'words':
      return BLOCK_WORD_FIRST.test(code) || BLOCK_WORD_LAST.test(code);
    case 'tags':
      return OPEN_TAG_LAST.test(code);
  }
}

const BLOCK_WORD_FIRST = /^\s*(?:def|class|module|if|unless|while|for|case|function|begin)\b/;
const BLOCK_WORD_LAST = /\b(?:do|then|else)\s*(?:\|.*\|)?$/;
const OPEN_TAG_LAST =
  /<(?!(?:area|base|br|col|hr|img|input|link|meta|source|wbr)\b)[a-z][\w:-]*(?:\s[^<>]*)?(?<!\/)>$/i;

function isComment(line: string, language: Language): boolean {
  const trimmed = line.trim();
  if (language.lineComment !== null && trimmed.startsWith(language.lineComment)) return true;
  return trimmed.endsWith('*/') || trimmed.endsWith('-->');
}
