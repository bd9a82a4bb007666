import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { BadRequest, throwIfAborted } from '../errors.ts';
import { readPngSize } from './png.ts';
import { PNG_HEADER_BYTES } from './pngChunks.ts';

/** Far more than a screenshot takes. The file lies in memory while it is decoded. */
const MOST_BYTES = 200e6;

/** A PNG file whose size is known, and that was not decoded. */
export interface PictureFile {
  readonly path: string;
  /** In messages. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** A picture whose content is known by its hash. */
export interface Picture extends PictureFile {
  readonly hash: string;
}

/** Reads the size of a picture. Rejects with BadRequest, in one sentence, where the file is none that is read here. */
export function openPicture(path: string): Promise<PictureFile> {
  return withFile(path, async (picture) => picture);
}

/** Opens a picture and hashes its content. Rejects as openPicture does, or with Cancelled. */
export function identifyPicture(path: string, signal?: AbortSignal): Promise<Picture> {
  return withFile(path, async (picture, chunks) => {
    const hash = createHash('sha256');
    for await (const chunk of chunks()) {
      throwIfAborted(signal);
      hash.update(chunk);
    }
    return { ...picture, hash: hash.digest('hex') };
  });
}

async function withFile<T>(
  path: string,
  use: (picture: PictureFile, chunks: () => AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const name = basename(path);
  // Opening a pipe would wait for somebody who writes to it.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: NodeJS.ErrnoException) => {
      throw new BadRequest(`${name} cannot be read: ${error.code ?? error.message}.`);
    },
  );
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new BadRequest(`${name} is not a file.`);
    if (stat.size > MOST_BYTES) {
      const [size, most] = [stat.size, MOST_BYTES].map((bytes) => Math.round(bytes / 1e6));
      throw new BadRequest(`${name} has ${size} MB; pictures of at most ${most} MB are read.`);
    }
    const { buffer, bytesRead } = await file.read(new Uint8Array(PNG_HEADER_BYTES), 0, PNG_HEADER_BYTES, 0);
    const picture = { path, name, ...readPngSize(buffer.subarray(0, bytesRead), name) };
    return await use(picture, () => file.createReadStream({ start: 0, autoClose: false }));
  } finally {
    await file.close();
  }
}
