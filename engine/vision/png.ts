import { inflateSync } from 'node:zlib';
import { type DecodedPng, decode } from 'fast-png';
import { BadRequest, errorMessage } from '../errors.ts';
import type { Pixels } from './pixels.ts';

const MOST_PIXELS = 1e8;
/** The same in bytes of samples, of which a pixel has up to eight. */
const MOST_SAMPLE_BYTES = 4e8;
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** The signature, and as much of the first chunk as says how large the picture is. */
export const PNG_HEADER_BYTES = 26;
/** The chunks that hold the picture. Others are left out: some of them would be decompressed, however large they become. */
const NEEDED = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
/** Samples of a pixel by colour type. */
const CHANNELS: readonly (number | undefined)[] = [1, undefined, 3, 1, 2, undefined, 4];

/**
 * Decodes a PNG file of any depth to RGB: palettes are looked up, grey becomes three equal colours, of 16 bits the upper
 * 8 count, and what is transparent lies over white. Throws BadRequest, in one sentence that begins with `name`.
 */
export function decodePng(file: Uint8Array, name: string): Pixels {
  readPngSize(file, name);
  try {
    return toRgb(decode(checked(file), { checkCrc: true }));
  } catch (error) {
    throw new BadRequest(`${name} is a damaged PNG file: ${errorMessage(error)}.`);
  }
}

/** Reads the size of a picture, in pixels, from the first bytes of its file. Throws BadRequest as decodePng does. */
export function readPngSize(file: Uint8Array, name: string): { width: number; height: number } {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE))
    throw new BadRequest(`${name} is not a PNG file, the only kind of picture that is read here.`);
  if (bytes.length < PNG_HEADER_BYTES) throw new BadRequest(`${name} is a PNG file that was cut off.`);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  if (width === 0 || height === 0) throw new BadRequest(`${name} is a damaged PNG file: it has no pixels.`);
  const megapixels = Math.round((width * height) / 1e6);
  if (width * height > MOST_PIXELS)
    throw new BadRequest(`${name} has ${megapixels} million pixels; at most ${MOST_PIXELS / 1e6} are read.`);
  const sampleBytes = height * rowBytes(bytes);
  if (sampleBytes > MOST_SAMPLE_BYTES) {
    const [size, most] = [sampleBytes, MOST_SAMPLE_BYTES].map((count) => Math.round(count / 1e6));
    throw new BadRequest(`${name} has ${size} MB of samples; at most ${most} MB are read.`);
  }
  return { width, height };
}

/** Bytes of a row of samples, from the first bytes of a file; 0 for a colour type that does not exist. */
function rowBytes(bytes: Buffer): number {
  return Math.ceil((bytes.readUInt32BE(16) * bytes[24]! * (CHANNELS[bytes[25]!] ?? 0)) / 8);
}

/** The file with the needed chunks alone. Throws where what is compressed in it is larger than the picture. */
function checked(file: Uint8Array): Uint8Array {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const needed = [bytes.subarray(0, SIGNATURE.length)];
  const samples: Buffer[] = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error('it was cut off');
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (NEEDED.includes(type)) needed.push(bytes.subarray(at, end));
    if (type === 'IDAT') samples.push(bytes.subarray(at + 8, end - 4));
    if (type === 'IEND') break;
    at = end;
  }
  // Interlaced pictures have nearly twice the rows, of which each begins with a byte of its own and ends in half a byte.
  const most = bytes.readUInt32BE(20) * (rowBytes(bytes) + 4) + 64;
  inflateSync(Buffer.concat(samples), { maxOutputLength: most });
  return Buffer.concat(needed);
}

function toRgb(png: DecodedPng): Pixels {
  const { width, height, depth, channels, palette, transparency } = png;
  if (png.data instanceof Uint8Array && depth === 8 && channels === 3 && !transparency)
    return { width, height, rgb: png.data };
  const samples = unpacked(png);
  const shift = depth === 16 ? 8 : 0;
  // Samples of fewer than 8 bits are spread over 0 to 255, except that those of a palette are indices.
  const factor = palette || depth >= 8 ? 1 : 255 / (2 ** depth - 1);
  const colours = channels > 2 ? 3 : 1;
  const isClear = (from: number): boolean => {
    return transparency?.length === colours && transparency.every((value, c) => value === samples[from + c]);
  };
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0, from = 0; pixel < width * height; pixel++, from += channels) {
    const at = 3 * pixel;
    if (palette) {
      const colour = palette[samples[from]!] ?? BLACK;
      for (let c = 0; c < 3; c++) rgb[at + c] = overWhite(colour[c]!, colour[3] ?? 255);
      continue;
    }
    const alpha = channels > colours ? samples[from + colours]! >> shift : isClear(from) ? 0 : 255;
    for (let c = 0; c < 3; c++) {
      rgb[at + c] = overWhite((samples[colours === 3 ? from + c : from]! >> shift) * factor, alpha);
    }
  }
  return { width, height, rgb };
}

/** Readers of PNG files show a colour that the palette lacks as black. */
const BLACK = [0, 0, 0] as const;

/** All samples row by row. Those of fewer than 8 bits are packed in the file, and each row begins at a byte. */
function unpacked({ width, height, data, depth, channels }: DecodedPng): ArrayLike<number> {
  if (depth >= 8) return data;
  const perRow = width * channels;
  const rowBytes = Math.ceil((perRow * depth) / 8);
  const samples = new Uint8Array(perRow * height);
  for (let i = 0; i < samples.length; i++) {
    const bit = (i % perRow) * depth;
    const byte = data[Math.floor(i / perRow) * rowBytes + (bit >> 3)]!;
    samples[i] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }
  return samples;
}

function overWhite(value: number, alpha: number): number {
  return alpha === 255 ? value : Math.round(255 + ((value - 255) * alpha) / 255);
}
