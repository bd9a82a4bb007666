/** The text of a file as UTF-8, whatever encoding it is stored in. No vscode. */
import { isUtf8 } from 'node:buffer';

/** A zero byte in the first ones means that a file is no text, unless it says that it is UTF-16. */
const BINARY_BYTES = 8000;
/** VS Code's names that TextDecoder calls otherwise. */
const LABELS: Readonly<Record<string, string>> = {
  utf8bom: 'utf-8',
  utf16be: 'utf-16be',
  utf16le: 'utf-16le',
  macroman: 'macintosh',
  eucjp: 'euc-jp',
  euckr: 'euc-kr',
  koi8r: 'koi8-r',
  koi8u: 'koi8-u',
  shiftjis: 'shift_jis',
  big5hkscs: 'big5',
  gb2312: 'gb18030',
};

/**
 * A byte-order mark decides; else the text is UTF-8 if it can be, else in `encoding` (a name of the setting
 * `files.encoding`), else in Windows-1252, which gives every byte a character. Undefined for what is no text.
 */
export function asUtf8(bytes: Uint8Array, encoding: string): Uint8Array | undefined {
  const marked = markOf(bytes);
  if (marked) return new TextEncoder().encode(new TextDecoder(marked).decode(bytes));
  if (bytes.subarray(0, BINARY_BYTES).includes(0)) return undefined;
  if (isUtf8(bytes)) return bytes;
  return new TextEncoder().encode(decoderOf(encoding).decode(bytes));
}

function markOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
}

function decoderOf(encoding: string): InstanceType<typeof TextDecoder> {
  const name = encoding.toLowerCase();
  const label = LABELS[name] ?? name.replace(/^windows(\d+)$/, 'windows-$1').replace(/^iso8859(\d+)$/, 'iso-8859-$1');
  try {
    const decoder = new TextDecoder(label);
    // It was tried: the bytes are no UTF-8.
    if (decoder.encoding !== 'utf-8') return decoder;
  } catch {
    // Not an encoding that this runtime knows, such as one of DOS.
  }
  return new TextDecoder('windows-1252');
}
