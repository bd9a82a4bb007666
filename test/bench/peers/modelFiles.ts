/** Model files of the other engines, which are generated once and kept in the cache. */
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeGguf } from './gguf.ts';
import { writeOnnx } from './onnx.ts';
import { MINI } from './shape.ts';

export type Format = 'gguf' | 'onnx';

const WRITERS: Record<Format, typeof writeGguf> = {
  gguf: writeGguf,
  onnx: writeOnnx,
};
/** Upper limit of the bytes per weight in these formats: 4 bits, and a float for every 32 weights. */
const BYTES_PER_WEIGHT = 5 / 8;
/** Bytes of the disk that stay free. */
const SPARE_BYTES = 2 ** 30;

/** Paths of the model's files in a format. Generates missing files; rejects when the disk has too little space. */
export async function modelFiles(
  cache: string,
  format: Format,
  layers: number,
  signal: AbortSignal,
): Promise<string[]> {
  const folder = join(cache, 'models', `phi-3-mini-${layers}-layers-${format}`);
  const made = (await filesOf(folder)).length === 0;
  if (made) await make(folder, format, layers, signal);
  const files = await filesOf(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const gigabytes = (sizes.reduce((a, b) => a + b, 0) / 1e9).toFixed(2);
  console.log(`${made ? 'Made' : 'Found'} ${folder}: ${gigabytes} GB.`);
  return files;
}

/** Reads the files once, so that every engine loads them from the system's cache. */
export async function readThrough(files: readonly string[]): Promise<void> {
  for (const file of files) {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 24 })) void chunk;
  }
}

async function make(folder: string, format: Format, layers: number, signal: AbortSignal): Promise<void> {
  const { hidden, feedForward, vocabulary } = MINI;
  const weights = layers * (4 * hidden * hidden + 3 * hidden * feedForward) + 2 * hidden * vocabulary;
  const needed = weights * BYTES_PER_WEIGHT + SPARE_BYTES;
  await mkdir(dirname(folder), { recursive: true });
  const { bavail, bsize } = await statfs(dirname(folder));
  if (bavail * bsize < needed) {
    throw new Error(`${dirname(folder)} has less than ${(needed / 1e9).toFixed(1)} GB free, which the model needs.`);
  }
  console.log(`Making ${basename(folder)} ...`);
  const unfinished = `${folder}.${process.pid}`;
  try {
    await mkdir(unfinished);
    await WRITERS[format](unfinished, layers, signal);
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort().map((name) => join(folder, name));
}
