import { inflateSync } from 'node:zlib';

/** What the first bytes of a PNG file say. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** Samples of a pixel; 0 for a colour type that does not exist. */
  readonly channels: number;
  readonly hasPalette: boolean;
  readonly isInterlaced: boolean;
}

/** A PNG file with its samples decompressed. */
export interface PngContent extends PngHeader {
  /** Three bytes for each colour. */
  readonly palette: Uint8Array;
  /** The alpha of the palette's colours, or the samples of the transparent colour, in 16 bits. */
  readonly transparency: Uint8Array;
  /** The rows, each behind a byte that names its filter; of interlaced pictures, pass by pass. */
  readonly rows: Uint8Array;
}

export const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** The signature, and the first chunk without its checksum. */
export const PNG_HEADER_BYTES = 29;
/** Samples of a pixel by colour type. */
const CHANNELS: readonly (number | undefined)[] = [1, undefined, 3, 1, 2, undefined, 4];
const PALETTE = 3;

/** Reads the first PNG_HEADER_BYTES of a file. */
export function readHeader(bytes: Buffer): PngHeader {
  const type = bytes[25]!;
  return {
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    depth: bytes[24]!,
    channels: CHANNELS[type] ?? 0,
    hasPalette: type === PALETTE,
    isInterlaced: bytes[28] === 1,
  };
}

/** Bytes of the samples of `pixels` pixels in a row. */
export function rowBytes(pixels: number, { depth, channels }: PngHeader): number {
  return Math.ceil((pixels * depth * channels) / 8);
}

/**
 * Reads the chunks that hold the picture. Others are left out: some of them would be decompressed, however large they
 * become. Throws an Error, whose message says what is wrong, also where the samples are more than the picture has.
 */
export function readPng(file: Uint8Array): PngContent {
  const bytes = Buffer.from(file.buffer as ArrayBuffer, file.byteOffset, file.byteLength);
  const header = readHeader(bytes);
  let palette = Buffer.alloc(0);
  let transparency = Buffer.alloc(0);
  const compressed: Buffer[] = [];
  for (let at = SIGNATURE.length, type = ''; type !== 'IEND';) {
    const end = at + 12 + (at + 12 > bytes.length ? 0 : bytes.readUInt32BE(at));
    if (end > bytes.length) throw new Error('it was cut off');
    type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, end - 4);
    const isNeeded = ['IHDR', 'PLTE', 'tRNS', 'IDAT'].includes(type);
    if (isNeeded && crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4))
      throw new Error(`the checksum of ${type} is wrong`);
    if (type === 'PLTE') palette = content;
    if (type === 'tRNS') transparency = content;
    if (type === 'IDAT') compressed.push(content);
    at = end;
  }
  if (header.hasPalette && palette.length < 3) throw new Error('it has no palette');
  // Interlaced pictures have nearly twice the rows, of which each begins with a byte of its own and ends in half a byte.
  const most = header.height * (rowBytes(header.width, header) + 4) + 64;
  // All in one piece: pieces would lie in memory twice while they are joined.
  const options = { maxOutputLength: most, chunkSize: most + 1 };
  return { ...header, palette, transparency, rows: inflateSync(Buffer.concat(compressed), options) };
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** Node has had its own only since 20.15. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
