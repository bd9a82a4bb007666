/** Which kind of picture a file is, by its first bytes alone: neither its name nor its type counts. Pure. */

/** Bytes of a file's beginning that tell its kind. */
export const KIND_BYTES = 64;

const text = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

/** The MIME type of a kind that browsers decode as pixels; undefined for anything else, SVG included. */
export function pictureKind(bytes: Uint8Array): string | undefined {
  if (text(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (text(bytes, 0, 3) === '\xff\xd8\xff') return 'image/jpeg';
  if (/^GIF8[79]a$/.test(text(bytes, 0, 6))) return 'image/gif';
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'image/webp';
  // Brands follow the word `ftyp`; `mif1` stands first in some AVIF files.
  if (text(bytes, 4, 8) === 'ftyp' && /avi[fs]/.test(text(bytes, 8, KIND_BYTES))) return 'image/avif';
  if (text(bytes, 0, 2) === 'BM') return 'image/bmp';
  return undefined;
}

/** Whether a file is a drawing or another text, which only a whole browser could show. */
export function isMarkup(bytes: Uint8Array): boolean {
  return /^(?:\xef\xbb\xbf)?\s*</.test(text(bytes, 0, KIND_BYTES));
}
