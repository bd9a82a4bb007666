/** A file's bytes as text and back, so that every byte outside of a change stays as it is. Pure. */
import type { FileText } from './proposal.ts';
import { textEdits } from './textEdits.ts';

/** How a file stores its text. Bytes of other encodings stay what they are: each is the character of the same number. */
interface Encoding {
  readonly bom: string;
  readonly name: 'utf8' | 'utf16le' | 'latin1';
}

const ENCODINGS: readonly Encoding[] = [
  { bom: 'efbbbf', name: 'utf8' },
  { bom: 'fffe', name: 'utf16le' },
];

export interface StoredText {
  /** With line ends `\n`. */
  readonly text: string;
  /** The bytes of the file if its text was `text`; undefined if its encoding has no such characters. */
  changedTo(text: string): Buffer | undefined;
}

/** Undefined for what is no text. */
export function storedText(bytes: Uint8Array): StoredText | undefined {
  const buffer = Buffer.from(bytes);
  const encoding = encodingOf(buffer);
  const start = encoding.bom.length / 2;
  const raw = buffer.toString(encoding.name, start);
  if (raw.includes('\0')) return undefined;
  const lines = raw.split(/(?<=\r\n|\n|\r(?!\n))/);
  const text = lines.map(withLineFeed).join('');
  return {
    text,
    changedTo(changed) {
      const written = changedLines(lines, text, changed);
      const encoded = Buffer.concat([buffer.subarray(0, start), Buffer.from(written, encoding.name)]);
      return encoded.toString(encoding.name, start) === written ? encoded : undefined;
    },
  };
}

/** The line end that most lines have. */
export function usualEnd(lines: readonly string[]): FileText['eol'] {
  return lines.filter((line) => line.endsWith('\r\n')).length * 2 > lines.length - 1 ? '\r\n' : '\n';
}

function encodingOf(buffer: Buffer): Encoding {
  const marked = ENCODINGS.find(({ bom }) => buffer.toString('hex', 0, bom.length / 2) === bom);
  if (marked) return marked;
  const isUtf8 = Buffer.from(buffer.toString('utf8')).equals(buffer);
  return { bom: '', name: isUtf8 ? 'utf8' : 'latin1' };
}

function withLineFeed(line: string): string {
  return line.replace(/\r\n?$/, '\n');
}

/** `lines` with the changes from `text` to `changed`; lines that stay keep their ends, new ones get the usual one. */
function changedLines(lines: readonly string[], text: string, changed: string): string {
  const end = usualEnd(lines);
  const starts = [0];
  for (const line of lines) starts.push(starts.at(-1)! + withLineFeed(line).length);
  let result = '';
  let next = 0;
  for (const edit of textEdits(text, changed)) {
    const [first, last] = [starts.indexOf(edit.start), starts.indexOf(edit.end)];
    result += lines.slice(next, first).join('') + edit.text.replaceAll('\n', end);
    next = last;
  }
  return result + lines.slice(next).join('');
}
