import type { TokenizerJson } from './tokenizerJson.ts';

const encoder = new TextEncoder();

/**
 * Returns, by id, the UTF-8 bytes that a token adds to a text (a decoder's Strip of the first space is not applied). There
 * are two encodings of bytes in vocabularies: `<0x0A>` and U+2581 for a space (sentencepiece), and GPT-2's table of
 * printable characters (ByteLevel).
 */
export function tokenBytes(json: TokenizerJson): readonly (Uint8Array | undefined)[] {
  const table: Uint8Array[] = [];
  const decode = isByteLevel(json) ? byteLevelBytes : pieceBytes;
  for (const [token, id] of Object.entries(json.model.vocab)) table[id] = decode(token);
  for (const token of json.added_tokens) table[token.id] = encoder.encode(token.content);
  return table;
}

function isByteLevel(json: TokenizerJson): boolean {
  return JSON.stringify([json.decoder, json.pre_tokenizer]).includes('"type":"ByteLevel"');
}

function pieceBytes(token: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
  return byte ? Uint8Array.of(parseInt(byte[1]!, 16)) : encoder.encode(token.replaceAll('\u2581', ' '));
}

/** A token with other characters than GPT-2's, such as a placeholder, stands for its name. */
function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let at = 0; at < token.length; at++) {
    const byte = byteByCode.get(token.charCodeAt(at));
    if (byte === undefined) return encoder.encode(token);
    bytes[at] = byte;
  }
  return bytes;
}

/** By byte, GPT-2's character for it: printable ones of Latin-1 are themselves, the others are numbered from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
})();

const byteByCode = new Map(BYTE_CHARACTERS.map((character, byte) => [character.charCodeAt(0), byte]));
