import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { BadRequest } from '../errors.ts';
import { PRIORITY } from '../inference/scheduler.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { EncodedImage } from '../vision/imageEncoder.ts';
import { decodePng } from '../vision/png.ts';
import { wholeNumber } from './options.ts';

/** Options of commands that take pictures. */
export interface ImageOptions {
  image: string[];
  crops?: number;
}

export function addImageOptions(command: Command): Command {
  return command
    .option(
      '--image <file>',
      'PNG file of a picture (repeatable)',
      (path: string, more: string[]) => [...more, path],
      [],
    )
    .option('--crops <count>', 'the most crops of a picture (default: as the model says)', wholeNumber(1));
}

/** Reads the pictures and computes their features. Rejects with BadRequest where the model takes none. */
export async function encodeImages(
  model: LoadedModel,
  { image: files, crops }: ImageOptions,
  signal: AbortSignal,
): Promise<EncodedImage[]> {
  const images: EncodedImage[] = [];
  for (const file of files) {
    if (!model.images) throw new BadRequest(`${model.info.name} takes no pictures.`);
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw new BadRequest(`${file} cannot be read: ${error.code ?? error.message}.`);
    });
    const picture = decodePng(bytes, basename(file));
    images.push(await model.images.encode(picture, { mostCrops: crops, priority: PRIORITY.chat, signal }));
  }
  return images;
}
