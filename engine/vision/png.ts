import { type DecodedPng, decode } from 'fast-png';
import { BadRequest } from '../errors.ts';
import type { Pixels } from './pixels.ts';

/** A picture of 100 million pixels takes 400 MB while it is decoded. */
const MOST_PIXELS = 1e8;
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** The signature, and as much of the first chunk as says how large the picture is. */
export const PNG_HEADER_BYTES = 24;

/**
 * Decodes a PNG file of any depth to RGB: palettes are looked up, grey becomes three equal colours, of 16 bits the upper
 * 8 count, and what is transparent lies over white. Throws BadRequest, in one sentence that begins with `name`.
 */
export function decodePng(file: Uint8Array, name: string): Pixels {
  readPngSize(file, name);
  try {
    return toRgb(decode(file, { checkCrc: true }));
  } catch (error) {
    throw new BadRequest(`${name} is a damaged PNG file: ${error instanceof Error ? error.message : String(error)}.`);
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
  return { width, height };
}

function toRgb(png: DecodedPng): Pixels {
  const { width, height, depth, channels, palette, transparency } = png;
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
