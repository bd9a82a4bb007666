import { BadRequest, errorMessage } from '../errors.ts';
import type { Pixels } from './pixels.ts';
import { PNG_HEADER_BYTES, type PngContent, SIGNATURE, readHeader, readPng, rowBytes } from './pngChunks.ts';
import { type RowPlace, eachRow } from './pngRows.ts';

const MOST_PIXELS = 1e8;
/** The same in bytes of samples, of which a pixel has up to eight. */
const MOST_SAMPLE_BYTES = 4e8;

/**
 * Decodes a PNG file of any depth to RGB: palettes are looked up, grey becomes three equal colours, of 16 bits the upper
 * 8 count, and what is transparent lies over white. Throws BadRequest, in one sentence that begins with `name`.
 */
export function decodePng(file: Uint8Array, name: string): Pixels {
  readPngSize(file, name);
  try {
    return toRgb(readPng(file));
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
  const header = readHeader(bytes);
  const { width, height, depth, channels } = header;
  if (width === 0 || height === 0) throw new BadRequest(`${name} is a damaged PNG file: it has no pixels.`);
  if (channels === 0 || ![1, 2, 4, 8, 16].includes(depth))
    throw new BadRequest(`${name} is a damaged PNG file: its colours are of no known kind.`);
  const megapixels = Math.round((width * height) / 1e6);
  if (width * height > MOST_PIXELS)
    throw new BadRequest(`${name} has ${megapixels} million pixels; at most ${MOST_PIXELS / 1e6} are read.`);
  const sampleBytes = height * rowBytes(width, header);
  if (sampleBytes > MOST_SAMPLE_BYTES) {
    const [size, most] = [sampleBytes, MOST_SAMPLE_BYTES].map((count) => Math.round(count / 1e6));
    throw new BadRequest(`${name} has ${size} MB of samples; at most ${most} MB are read.`);
  }
  return { width, height };
}

function toRgb(png: PngContent): Pixels {
  const { width, height, depth, channels, hasPalette, isInterlaced, transparency } = png;
  const bytes = 3 * width * height;
  // A row that is at least as large is behind its place when it is written: large pictures lie in memory once.
  const isInPlace = !isInterlaced && rowBytes(width, png) >= 3 * width;
  const rgb = isInPlace ? new Uint8Array(png.rows.buffer, png.rows.byteOffset, bytes) : new Uint8Array(bytes);
  const isPlain = depth === 8 && !hasPalette && transparency.length === 0;
  const write = isPlain && channels === 3 ? writeRgb : isPlain && channels === 4 ? writeRgba : writerOf(png);
  eachRow(png, (samples, { x, y, step, pixels }) => write(samples, rgb, 3 * (y * width + x), 3 * step, pixels));
  return { width, height, rgb };
}

/** Writes the pixels of a row, each `step` behind the last. */
type WriteRow = (samples: Uint8Array, rgb: Uint8Array, at: number, step: number, pixels: RowPlace['pixels']) => void;

const writeRgb: WriteRow = (samples, rgb, at, step, pixels) => {
  if (step === 3) return rgb.set(samples, at);
  for (let from = 0; from < 3 * pixels; from += 3, at += step) rgb.set(samples.subarray(from, from + 3), at);
};

const writeRgba: WriteRow = (samples, rgb, first, step, pixels) => {
  const opaque = step === 3 ? writeOpaque(samples, rgb, first, pixels) : 0;
  let at = first + step * opaque;
  for (let from = 4 * opaque; from < 4 * pixels; from += 4, at += step) {
    const alpha = samples[from + 3]!;
    if (alpha === 255) {
      rgb[at] = samples[from]!;
      rgb[at + 1] = samples[from + 1]!;
      rgb[at + 2] = samples[from + 2]!;
    } else {
      for (let c = 0; c < 3; c++) rgb[at + c] = overWhite(samples[from + c]!, alpha);
    }
  }
};

/**
 * Writes opaque pixels in fours, which take three words: a third of the time. Gives how many it has written; it ends where
 * one is not opaque.
 */
function writeOpaque(samples: Uint8Array, rgb: Uint8Array, at: number, pixels: number): number {
  const to = rgb.byteOffset + at;
  if (to % 4 !== 0 || samples.byteOffset % 4 !== 0) return 0;
  const from = new Uint32Array(samples.buffer, samples.byteOffset, pixels);
  const words = new Uint32Array(rgb.buffer, to, (3 * pixels) >> 2);
  let done = 0;
  for (let i = 0; done + 4 <= pixels; done += 4, i += 3) {
    const [a, b, c, d] = [from[done]!, from[done + 1]!, from[done + 2]!, from[done + 3]!];
    if ((a & b & c & d) >>> 24 !== 255) break;
    words[i] = (a & 0xffffff) | (b << 24);
    words[i + 1] = ((b >>> 8) & 0xffff) | (c << 16);
    words[i + 2] = ((c >>> 16) & 0xff) | (d << 8);
  }
  return done;
}

/** Of pictures of any kind. */
function writerOf({ depth, channels, hasPalette, palette, transparency }: PngContent): WriteRow {
  // Samples of fewer than 8 bits are spread over 0 to 255.
  const factor = depth >= 8 ? 1 : 255 / (2 ** depth - 1);
  const shift = depth === 16 ? 8 : 0;
  const colours = channels > 2 ? 3 : 1;
  const clear = Array.from({ length: transparency.length >> 1 }, (_, c) => {
    return (transparency[2 * c]! << 8) | transparency[2 * c + 1]!;
  });
  return (samples, rgb, at, step, pixels) => {
    for (let pixel = 0; pixel < pixels; pixel++, at += step) {
      const value = (c: number): number => sampleAt(samples, pixel * channels + c, depth);
      if (hasPalette) {
        const index = value(0);
        const alpha = transparency[index] ?? 255;
        // Readers of PNG files show a colour that the palette lacks as black.
        for (let c = 0; c < 3; c++) rgb[at + c] = overWhite(palette[3 * index + c] ?? 0, alpha);
        continue;
      }
      const isClear = clear.length === colours && clear.every((sample, c) => sample === value(c));
      const alpha = channels > colours ? value(colours) >> shift : isClear ? 0 : 255;
      for (let c = 0; c < 3; c++) rgb[at + c] = overWhite((value(colours === 3 ? c : 0) >> shift) * factor, alpha);
    }
  };
}

function sampleAt(samples: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return samples[index]!;
  if (depth === 16) return (samples[2 * index]! << 8) | samples[2 * index + 1]!;
  const bit = index * depth;
  return (samples[bit >> 3]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

function overWhite(value: number, alpha: number): number {
  return alpha === 255 ? value : Math.round(255 + ((value - 255) * alpha) / 255);
}
