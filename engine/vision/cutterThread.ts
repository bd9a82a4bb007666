/** A thread that decodes and cuts pictures (cutter.ts), one at a time. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { BadRequest } from '../errors.ts';
import { cutIntoCrops } from './crops.ts';
import type { Picture } from './pictureFile.ts';
import { PictureMemory } from './pictureMemory.ts';
import { decodePng } from './png.ts';

export interface CutRequest extends Pick<Picture, 'path' | 'name' | 'hash' | 'width' | 'height'> {
  readonly mostCrops: number;
}

/** The patches lie in memory that both threads see, until the next picture. */
export type CutAnswer = { readonly patches: Float32Array } | { readonly refusal: string };

const memory = new PictureMemory(workerData as WebAssembly.Module);

parentPort!.on('message', (request: CutRequest) => {
  try {
    parentPort!.postMessage({ patches: cut(request) } satisfies CutAnswer);
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error;
    parentPort!.postMessage({ refusal: error.message } satisfies CutAnswer);
  }
});

function cut({ path, name, hash, mostCrops }: CutRequest): Float32Array {
  const file = readFileSync(path);
  if (createHash('sha256').update(file).digest('hex') !== hash)
    throw new BadRequest(`${name} was changed while it was read.`);
  memory.clear();
  return cutIntoCrops(memory, decodePng(file, name), mostCrops);
}
