import { resolve } from 'node:path';
import type { Command } from 'commander';
import { BadRequest } from '../errors.ts';
import { PRIORITY } from '../inference/scheduler.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import type { PromptImage } from '../vision/promptImage.ts';
import { identifyPicture } from '../vision/pictureFile.ts';
import type { ChatImage } from '../wire/protocol.ts';
import { MAX_CROPS } from '../wire/schemas.ts';
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
    .option('--crops <count>', 'the most crops of a picture (default: as the model says)', wholeNumber(1, MAX_CROPS));
}

/** A picture as part of a message. */
export function imagePiece(file: string, { crops }: ImageOptions): ChatImage {
  return { type: 'image', file: resolve(file), ...(crops === undefined ? {} : { mostCrops: crops }) };
}

/** Reads the pictures and computes their features. Rejects with BadRequest where the model takes none. */
export async function encodeImages(
  model: LoadedModel,
  { image: files, crops }: ImageOptions,
  signal: AbortSignal,
): Promise<PromptImage[]> {
  const images: PromptImage[] = [];
  for (const file of files) {
    if (!model.images) throw new BadRequest(`${model.info.name} takes no pictures.`);
    const options = { holder: model, mostCrops: crops ?? model.images.mostCrops, priority: PRIORITY.chat, signal };
    images.push(await model.images.encode(await identifyPicture(file, signal), options));
  }
  return images;
}
