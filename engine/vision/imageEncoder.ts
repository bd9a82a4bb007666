import type { Ops } from '../../kernels/ops.ts';
import { BadRequest, Cancelled, throwIfAborted } from '../errors.ts';
import type { Priority, Scheduler } from '../inference/scheduler.ts';
import { CROP_SIDE, PATCHES, PATCH_VALUES } from '../layers/patches.ts';
import type { ImageDecoder, ImageTower } from '../models/decoder.ts';
import { PictureCutter } from './cutter.ts';
import { type HdSize, hdSize } from './hdSize.ts';
import type { Picture } from './pictureFile.ts';
import { promptImage, type PromptImage } from './promptImage.ts';

export interface EncodeOptions {
  /** What keeps the features, until it is released. */
  readonly holder: object;
  readonly mostCrops: number;
  readonly priority: Priority;
  readonly signal?: AbortSignal | undefined;
  /** Called after each crop. */
  readonly onCrop?: (() => void) | undefined;
}

/** An image encoder on a backend of its own. */
export interface LoadedTower {
  readonly ops: Ops;
  readonly tower: ImageTower;
}

/** Loads an image encoder. Rejects with OutOfMemory, BackendLost, BadModel or Cancelled. */
export type OpenTower = (signal?: AbortSignal) => Promise<LoadedTower>;

/** Weight of the newest crop in the seconds per crop: the first one also compiles kernels. */
const NEWEST = 0.5;

/**
 * Computes the features of pictures, a crop at a time, and keeps them as long as somebody holds them. So long it keeps the
 * weights that compute them, too.
 */
export class ImageEncoder {
  /** The holders of each picture whose features the decoder has, by its key. */
  readonly #holders = new Map<string, Set<object>>();
  readonly #cutter = new PictureCutter();
  #queue: Promise<unknown> = Promise.resolve();
  #tower: LoadedTower | undefined;
  #isEncoding = false;
  #separators: Float32Array | undefined;
  #secondsPerCrop: number | undefined;

  readonly #openTower: OpenTower;
  readonly #decoder: Pick<ImageDecoder, 'setImage' | 'forgetImage'>;
  readonly #scheduler: Scheduler;

  constructor(
    openTower: OpenTower,
    decoder: Pick<ImageDecoder, 'setImage' | 'forgetImage'>,
    scheduler: Scheduler,
    /** The most crops of a picture by the model's preprocessor_config.json. */
    readonly mostCrops: number,
    /** Tokens of a prompt that take as many multiplications as a crop. */
    readonly tokensPerCrop: number,
  ) {
    this.#openTower = openTower;
    this.#decoder = decoder;
    this.#scheduler = scheduler;
  }

  /** Bytes that the image encoder holds; 0 where it is not loaded. */
  get bytesHeld(): number {
    return this.#tower?.ops.bytesHeld ?? 0;
  }

  /** As measured with the last crops; undefined before the first. */
  get secondsPerCrop(): number | undefined {
    return this.#secondsPerCrop;
  }

  /** Whether there are features of any picture. */
  get holdsAny(): boolean {
    return this.#holders.size > 0;
  }

  /** Whether the features of a picture are there already. */
  knows({ key }: PromptImage): boolean {
    return this.#holders.has(key);
  }

  /**
   * Computes the features of a picture unless they are known. Each crop is a step, so that completions go between two of
   * them. Rejects with BadRequest where the file is damaged, OutOfMemory or BackendLost, and with Cancelled as soon as the
   * signal fires, while the crop under way still ends; then nothing of the picture is kept.
   */
  async encode(picture: Picture, options: EncodeOptions): Promise<PromptImage> {
    const { signal, holder, mostCrops } = options;
    const image = promptImage(picture, mostCrops);
    // One picture at a time; the second call for the same one finds it done.
    const job = settled(this.#queue, signal).then(async () => {
      throwIfAborted(signal);
      if (!this.knows(image)) this.#decoder.setImage(image.key, await this.#featuresOf(picture, options));
      const holders = this.#holders.get(image.key) ?? new Set();
      this.#holders.set(image.key, holders.add(holder));
    });
    this.#queue = Promise.allSettled([this.#queue, job]);
    await settled(job, signal);
    await job;
    return image;
  }

  /**
   * Frees the features of pictures that nothing but `holder` holds, and with the last of them the image encoder. Nothing
   * of the holder's may be under way.
   */
  async release(holder: object): Promise<void> {
    for (const [key, holders] of this.#holders) {
      if (!holders.delete(holder) || holders.size > 0) continue;
      this.#holders.delete(key);
      this.#decoder.forgetImage(key);
    }
    if (this.holdsAny || this.#isEncoding) return;
    await Promise.all([this.unloadTower(), this.#cutter.dispose()]);
  }

  /** Frees everything. */
  async dispose(): Promise<void> {
    await this.#queue;
    const all = new Set([...this.#holders.values()].flatMap((holders) => [...holders]));
    await Promise.all([...all].map((holder) => this.release(holder)));
    await this.#cutter.dispose();
  }

  /** Frees the image encoder's weights, which the next picture loads again. Resolves false where they are in use. */
  async unloadTower(): Promise<boolean> {
    const tower = this.#tower;
    if (!tower || this.#isEncoding) return false;
    this.#tower = undefined;
    await tower.ops.dispose();
    return true;
  }

  #measured(seconds: number): void {
    const before = this.#secondsPerCrop ?? seconds;
    this.#secondsPerCrop = before + NEWEST * (seconds - before);
  }

  async #featuresOf(picture: Picture, options: EncodeOptions): Promise<Float32Array> {
    const { mostCrops, signal } = options;
    this.#isEncoding = true;
    try {
      const patches = await this.#cutter.cut({ ...picture, mostCrops }, signal);
      this.#tower ??= await this.#openTower(signal);
      await this.#tower.tower.prepare(this.#tower.ops);
      const features = await this.#encodeCrops(this.#tower, hdSize(picture, mostCrops), patches, options);
      // Nobody waits for them any more, who would release them.
      throwIfAborted(signal);
      return features;
    } catch (error) {
      this.#isEncoding = false;
      // A backend that has failed can only be disposed.
      const isInOrder = error instanceof Cancelled || error instanceof BadRequest;
      if (!this.holdsAny || !isInOrder) await this.unloadTower();
      throw error;
    } finally {
      this.#isEncoding = false;
    }
  }

  /** The features of the crops in the places of their positions, with the separators between them: (positions, hidden). */
  async #encodeCrops(
    { ops, tower }: LoadedTower,
    size: HdSize,
    patches: Float32Array,
    { priority, signal, onCrop }: EncodeOptions,
  ): Promise<Float32Array> {
    const step = (record: () => ReturnType<ImageTower['separators']>): Promise<Float32Array> => {
      return this.#scheduler.run(priority, () => ops.step(record), signal);
    };
    this.#separators ??= await step(() => tower.separators(ops));
    const width = this.#separators.length / 2;
    const [rowEnd, globalStart] = [this.#separators.subarray(0, width), this.#separators.subarray(width)];
    const features = new Float32Array(size.tokens * width);
    const globalAt = size.rows * CROP_SIDE * (size.cols * CROP_SIDE + 1);
    features.set(globalStart, globalAt * width);
    const cropValues = PATCHES * PATCH_VALUES;
    for (let crop = 0; crop * cropValues < patches.length; crop++) {
      const values = patches.subarray(crop * cropValues, (crop + 1) * cropValues);
      let started = 0;
      const rows = await step(() => {
        started = performance.now();
        return tower.encodeCrop(ops, values);
      });
      this.#measured((performance.now() - started) / 1000);
      const [down, across] = crop === 0 ? [0, 0] : [Math.floor((crop - 1) / size.cols), (crop - 1) % size.cols];
      const [start, cols] = crop === 0 ? [globalAt + 1, 1] : [0, size.cols];
      const rowLength = cols * CROP_SIDE + 1;
      for (let y = 0; y < CROP_SIDE; y++) {
        const row = start + (down * CROP_SIDE + y) * rowLength;
        const part = rows.subarray(y * CROP_SIDE * width, (y + 1) * CROP_SIDE * width);
        features.set(part, (row + across * CROP_SIDE) * width);
        if (across === cols - 1) features.set(rowEnd, (row + cols * CROP_SIDE) * width);
      }
      onCrop?.();
    }
    return features;
  }
}

/** Resolves when `work` has ended in any way. Rejects with Cancelled as soon as the signal fires. */
async function settled(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  let cancel = (): void => {};
  const cancelled = new Promise<never>((_, reject) => (cancel = () => reject(new Cancelled())));
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await Promise.race([Promise.allSettled([work]), cancelled]);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
