import { BadRequest } from '../errors.ts';

/** The input of a model: token ids, and positions of images among them. */
export interface Prompt {
  /** By position: a token id, or the negative id of a position of an image. */
  readonly ids: Int32Array;
  /** In the order of their positions; they do not overlap. */
  readonly images: readonly PromptImage[];
}

export interface PromptImage {
  /** First position in `ids`. */
  readonly at: number;
  /** Number of positions: one for each row of the image's features. */
  readonly length: number;
  /** Identifies the content, such as the hash of pixels and crops: images with equal keys have equal features. */
  readonly key: string;
}

/** Number of different image ids: -2 to -2^31. -1 stands for no id at all. */
const IMAGE_IDS = 2 ** 31 - 1;

/** The prompt of a text. Throws BadRequest where an id is not a whole number; its session checks the vocabulary. */
export function textPrompt(ids: ArrayLike<number>): Prompt {
  return { ids: toInt32(ids), images: [] };
}

/** Joins token ids and images in the order given. */
export function joinPrompt(
  parts: readonly (readonly number[] | { readonly key: string; readonly length: number })[],
): Prompt {
  const ids: number[] = [];
  const images: PromptImage[] = [];
  for (const part of parts) {
    if ('key' in part) images.push({ at: ids.length, length: part.length, key: part.key });
    for (const id of 'key' in part ? imageIds(part.key, part.length) : part) ids.push(id);
  }
  return { ids: toInt32(ids), images };
}

function toInt32(ids: ArrayLike<number>): Int32Array {
  return Int32Array.from(ids, (id) => {
    if (id === (id | 0)) return id;
    throw new BadRequest(`${id} is not a token id.`);
  });
}

/**
 * The ids of an image's positions. Each is a hash of the key and of its number, so that two prompts have equal ids
 * exactly where they have the same image: everything that compares ids (prefix caching, sharing between sessions, the
 * KV disk cache) works for images as it does for text.
 */
export function imageIds(key: string, length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => -2 - (hash(key, i) % IMAGE_IDS));
}

export interface PromptLimits {
  /** Named in messages. */
  readonly model: string;
  readonly vocabSize: number;
  readonly takesImages: boolean;
}

/** Throws BadRequest where an id is outside of the vocabulary, or an image position is not what `imageIds` gives. */
export function checkPrompt({ ids, images }: Prompt, { model, vocabSize, takesImages }: PromptLimits): void {
  if (images.length > 0 && !takesImages) throw new BadRequest(`${model} takes no images.`);
  let at = 0;
  for (const image of images) {
    if (!(image.at >= at)) throw new BadRequest('The images of the prompt overlap or are out of order.');
    checkTokens(ids, at, image.at, vocabSize);
    const fits = imageIds(image.key, image.length).every((id, i) => ids[image.at + i] === id);
    if (image.length < 1 || !fits) throw new BadRequest(`The prompt does not hold the positions of ${image.key}.`);
    at = image.at + image.length;
  }
  checkTokens(ids, at, ids.length, vocabSize);
}

function checkTokens(ids: Int32Array, start: number, end: number, vocabSize: number): void {
  for (let i = start; i < end; i++) {
    const id = ids[i]!;
    if (id >= 0 && id < vocabSize) continue;
    const missing = id < 0 ? ', and no image stands there' : '';
    throw new BadRequest(`Token id ${id} is outside the vocabulary of ${vocabSize} tokens${missing}.`);
  }
}

/** MurmurHash3's mixing of the characters, from 0 to 2^32 - 1. */
function hash(text: string, seed: number): number {
  let h = seed;
  for (let at = 0; at < text.length; at++) {
    let k = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  h ^= text.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
