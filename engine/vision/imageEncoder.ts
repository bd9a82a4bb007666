import { createHash } from 'node:crypto';
import type { Ops } from '../../kernels/ops.ts';
import { throwIfAborted } from '../errors.ts';
import type { Priority, Scheduler } from '../inference/scheduler.ts';
import { CROP_SIDE } from '../layers/patches.ts';
import type { ImageDecoder } from '../models/decoder.ts';
import { type Crops, cutIntoCrops } from './crops.ts';
import type { HdSize } from './hdSize.ts';
import type { Pixels } from './pixels.ts';

/** A picture whose features are known to the decoder under its key. */
export interface EncodedImage {
  readonly key: string;
  readonly size: HdSize;
}

export interface EncodeOptions {
  /** The most crops; by default the model's own number. */
  readonly mostCrops?: number | undefined;
  readonly priority: Priority;
  readonly signal?: AbortSignal | undefined;
  /** Called after each crop. */
  readonly onProgress?: ((doneCrops: number, allCrops: number) => void) | undefined;
}

/** Computes the features of pictures, a crop at a time, and keeps them until they are forgotten. */
export class ImageEncoder {
  /** Pictures by their key. Two calls for the same one wait for each other: the second finds it done. */
  readonly #images = new Map<string, EncodedImage>();
  #queue: Promise<unknown> = Promise.resolve();
  #separators: Float32Array | undefined;

  readonly #ops: Ops;
  readonly #decoder: ImageDecoder;
  readonly #scheduler: Scheduler;

  constructor(
    ops: Ops,
    decoder: ImageDecoder,
    scheduler: Scheduler,
    /** The most crops of a picture by the model's preprocessor_config.json. */
    readonly mostCrops: number,
  ) {
    this.#ops = ops;
    this.#decoder = decoder;
    this.#scheduler = scheduler;
  }

  /**
   * Computes the features of a picture unless they are known. Each crop is a step, so that completions go between two of
   * them. Rejects with Cancelled, OutOfMemory or BackendLost; then nothing of the picture is kept.
   */
  encode(picture: Pixels, options: EncodeOptions): Promise<EncodedImage> {
    const job = this.#queue.then(() => this.#encode(picture, options));
    this.#queue = job.catch(() => {});
    return job;
  }

  /** Frees the features of a picture. */
  forget(key: string): void {
    if (this.#images.delete(key)) this.#decoder.forgetImage(key);
  }

  async #encode(picture: Pixels, options: EncodeOptions): Promise<EncodedImage> {
    const { mostCrops = this.mostCrops, signal } = options;
    throwIfAborted(signal);
    const key = imageKey(picture, mostCrops);
    const known = this.#images.get(key);
    if (known) return known;
    const crops = cutIntoCrops(picture, mostCrops);
    await this.#decoder.prepareEncoder(this.#ops);
    try {
      const features = await this.#featuresOf(crops, options);
      this.#decoder.setImage(key, features);
    } finally {
      this.#decoder.restEncoder();
    }
    const image = { key, size: crops.size };
    this.#images.set(key, image);
    return image;
  }

  /** The features of the crops in the places of their positions, with the separators between them: (positions, hidden). */
  async #featuresOf({ size, count, patches }: Crops, options: EncodeOptions): Promise<Float32Array> {
    const { priority, signal, onProgress } = options;
    const step = (record: () => ReturnType<ImageDecoder['separators']>): Promise<Float32Array> => {
      return this.#scheduler.run(priority, () => this.#ops.step(record), signal);
    };
    this.#separators ??= await step(() => this.#decoder.separators(this.#ops));
    const width = this.#separators.length / 2;
    const [rowEnd, globalStart] = [this.#separators.subarray(0, width), this.#separators.subarray(width)];
    const features = new Float32Array(size.tokens * width);
    const globalAt = size.rows * CROP_SIDE * (size.cols * CROP_SIDE + 1);
    features.set(globalStart, globalAt * width);
    for (let crop = 0; crop < count; crop++) {
      throwIfAborted(signal);
      const values = patches(crop);
      const rows = await step(() => this.#decoder.encodeCrop(this.#ops, values));
      const [down, across] = crop === 0 ? [0, 0] : [Math.floor((crop - 1) / size.cols), (crop - 1) % size.cols];
      const [start, cols] = crop === 0 ? [globalAt + 1, 1] : [0, size.cols];
      const rowLength = cols * CROP_SIDE + 1;
      for (let y = 0; y < CROP_SIDE; y++) {
        const row = start + (down * CROP_SIDE + y) * rowLength;
        const part = rows.subarray(y * CROP_SIDE * width, (y + 1) * CROP_SIDE * width);
        features.set(part, (row + across * CROP_SIDE) * width);
        if (across === cols - 1) features.set(rowEnd, (row + cols * CROP_SIDE) * width);
      }
      onProgress?.(crop + 1, count);
    }
    return features;
  }
}

/** Equal for equal pixels and crops: such pictures have equal features. */
function imageKey({ width, height, rgb }: Pixels, mostCrops: number): string {
  return createHash('sha256').update(`${width} ${height} ${mostCrops} `).update(rgb).digest('hex');
}
