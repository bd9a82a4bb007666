import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CursorText } from './cursorText.ts';
import { chatAroundGap } from './encodeText.ts';
import type { FileSnapshot } from './fileSnapshot.ts';

/** The tail of the prefix, which begins the answer, has TAIL_LINES to 3 * TAIL_LINES lines. */
const TAIL_LINES = 8;
const TASK = 'Write the code that stands between <before> and <after>, nothing else.';

/**
 * The prompt of a chat model without fill-in-the-middle tokens. The user's message contains the head of the prefix and the
 * suffix. The answer begins with a code fence and the tail of the prefix, cut at a line that stays the same while the user
 * types, so that typing only appends. The fence keeps the model from explaining. A snapshot of the whole file precedes
 * all parts that change.
 */
export function instructPrompt(
  tokenizer: Tokenizer,
  cursor: CursorText,
  prefix: string,
  suffix: string,
  snapshot?: FileSnapshot,
): number[] {
  const tail = prefix.slice(tailStart(cursor.prefix, prefix));
  const head = prefix.slice(0, prefix.length - tail.length);
  const sections = [...section('before', head), ...section('after', suffix)];
  const others = (cursor.otherFiles ?? []).flatMap(({ path, text }) => [`From ${path}:`, text, '']);
  const prefill = '```' + cursor.languageId + '\n' + tail;
  if (snapshot) {
    const before = `This is the file ${cursor.fileName} as it was a moment ago:\n<file>\n`;
    const after = ['\n</file>', ...others, `Around the cursor it now reads as follows. ${TASK}`, ...sections].join(
      '\n',
    );
    const around = chatAroundGap(tokenizer, before, after, prefill);
    return [...around.head, ...snapshot.ids, ...around.tail];
  }
  const content = [...others, `Complete the file ${cursor.fileName}. ${TASK}`, ...sections].join('\n');
  return tokenizer.chat([{ role: 'user', content }], { addGenerationPrompt: true, prefill });
}

function section(name: string, text: string): string[] {
  return text.trim() === '' ? [] : [`<${name}>`, text.replace(/^\n+|\n+$/g, ''), `</${name}>`];
}

/** Offset in `excerpt`, the end of `prefix`, of a line on a grid of 2 * TAIL_LINES lines from the start of the file. */
function tailStart(prefix: string, excerpt: string): number {
  const lines = excerpt.split('\n');
  const lastLine = count(prefix, '\n');
  const firstLine = lastLine - (lines.length - 1);
  const border = Math.floor((lastLine - TAIL_LINES) / (2 * TAIL_LINES)) * 2 * TAIL_LINES;
  const inTail = lines.slice(Math.max(0, border - firstLine));
  return excerpt.length - inTail.join('\n').length;
}

function count(text: string, part: string): number {
  let n = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) n++;
  return n;
}
