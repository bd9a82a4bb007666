import { check } from '../../check.ts';
import { type AttentionShape, type KvDType, type KvLayout, type KvPool, type KvView, PAGE_TOKENS } from '../../ops.ts';
import { MAP_MODE_READ, type Memory, USAGE } from '../device/memory.ts';
import { Storage } from '../device/tensor.ts';

/** Keys and values of one layer, in the layout of pages.wgsl. */
interface LayerPages {
  readonly keys: Storage;
  readonly values: Storage;
}

/** KV_FORMAT and the bytes of a head's key (or value) at one position, in pages.wgsl. */
export const FORMATS: Record<KvDType, { readonly format: number; bytes(headDim: number): number }> = {
  f32: { format: 0, bytes: (headDim) => 4 * headDim },
  f16: { format: 1, bytes: (headDim) => 2 * headDim },
  q8: { format: 2, bytes: (headDim) => headDim + 4 },
};

/** Bytes of the keys, or values, of a page and layer. All pages of a layer lie in one buffer for each. */
export function regionBytes({ kvHeads, headDim, dtype }: KvLayout): number {
  return PAGE_TOKENS * kvHeads * FORMATS[dtype].bytes(headDim);
}

/** The pages of every layer: two buffers a layer, so that each stays within what can be bound. */
export class GpuKvPool implements KvPool {
  readonly pageBytes: number;
  /** Constants of pages.wgsl and appendKv.wgsl. */
  readonly constants: Record<string, number>;
  capacity = 0;
  #layers: LayerPages[] = [];
  #disposed = false;
  readonly #regionBytes: number;

  readonly #memory: Memory;

  constructor(
    memory: Memory,
    readonly layout: KvLayout,
  ) {
    this.#memory = memory;

    const { layers, kvHeads, headDim, dtype } = layout;
    check(
      headDim % 8 === 0 && headDim <= 128,
      () => `createKvPool: headDim ${headDim}, wanted a multiple of 8 up to 128`,
    );
    const { format, bytes } = FORMATS[dtype];
    this.#regionBytes = regionBytes(layout);
    this.pageBytes = 2 * layers * this.#regionBytes;
    this.constants = { KV_HEADS: kvHeads, HEAD_DIM: headDim, KV_FORMAT: format, TOKEN_WORDS: bytes(headDim) / 4 };
  }

  /** Layer by layer, so that only one layer is held twice. What was grown shrinks again where a later layer fails. */
  async grow(pages: number): Promise<void> {
    check(!this.#disposed, () => 'KvPool: disposed');
    if (pages <= this.capacity) return;
    this.#memory.checkFits((pages - this.capacity) * this.pageBytes);
    const before = [...this.#layers];
    try {
      for (let layer = 0; layer < this.layout.layers; layer++) await this.#resize(layer, pages);
      this.capacity = pages;
    } catch (error) {
      for (let layer = 0; layer < this.layout.layers; layer++) {
        // The room was there a moment ago; where it is gone, larger buffers than needed do no harm.
        if (this.#layers[layer] !== before[layer]) await this.#resize(layer, this.capacity).catch(() => {});
      }
      throw error;
    }
  }

  async copy(from: number, to: number): Promise<void> {
    // Through a buffer between, because WebGPU copies nothing within one.
    await this.#staged(USAGE.COPY_SRC | USAGE.COPY_DST, (encoder, staging) => {
      for (const { gpu, at, inPage } of this.#regions(from))
        encoder.copyBufferToBuffer(gpu, at, staging, inPage, this.#regionBytes);
      for (const { gpu, at, inPage } of this.#regions(to))
        encoder.copyBufferToBuffer(staging, inPage, gpu, at, this.#regionBytes);
    });
  }

  async read(page: number): Promise<Uint8Array> {
    const encode = (encoder: GPUCommandEncoder, staging: GPUBuffer): void => {
      for (const { gpu, at, inPage } of this.#regions(page))
        encoder.copyBufferToBuffer(gpu, at, staging, inPage, this.#regionBytes);
    };
    let bytes = new Uint8Array();
    await this.#staged(USAGE.MAP_READ | USAGE.COPY_DST, encode, async (staging) => {
      await this.#memory.orLost(staging.mapAsync(MAP_MODE_READ));
      bytes = new Uint8Array(staging.getMappedRange(0, this.pageBytes).slice(0));
    });
    return bytes;
  }

  async write(page: number, bytes: Uint8Array): Promise<void> {
    check(bytes.length === this.pageBytes, () => `KvPool: ${bytes.length} bytes for a page of ${this.pageBytes}`);
    const { queue } = this.#memory.device;
    const { settled } = this.#memory.guard(
      () => this.pageBytes,
      () => {
        for (const { gpu, at, inPage } of this.#regions(page))
          queue.writeBuffer(gpu, at, new Uint8Array(bytes.subarray(inPage, inPage + this.#regionBytes)));
      },
    );
    await settled;
  }

  /** Storages of a layer of the sequence `kv`, which must have pages for `tokens` more. */
  pagesOf(kv: KvView, layer: number, tokens: number): LayerPages {
    const needed = Math.ceil((kv.length + tokens) / PAGE_TOKENS);
    check(kv.pages.length >= needed, () => `KvView: ${kv.pages.length} pages for ${kv.length} + ${tokens} tokens`);
    check(
      kv.pages.every((page) => page < this.capacity),
      () => `KvView: page ${Math.max(...kv.pages)} of a pool of ${this.capacity}`,
    );
    check(layer < this.layout.layers, () => `KvView: layer ${layer} of ${this.layout.layers}`);
    return this.#layers[layer]!;
  }

  dispose(): void {
    this.#disposed = true;
    this.clear();
  }

  clear(): void {
    for (const layer of this.#layers) this.#release(layer);
    this.#layers = [];
    this.capacity = 0;
  }

  /** The regions of a page: keys, then values, layer by layer. */
  *#regions(page: number): Generator<{ gpu: GPUBuffer; at: number; inPage: number }> {
    check(page >= 0 && page < this.capacity, () => `KvPool: page ${page} of ${this.capacity}`);
    let inPage = 0;
    for (const { keys, values } of this.#layers) {
      for (const { buffer } of [keys, values]) {
        yield { gpu: buffer!.gpu, at: page * this.#regionBytes, inPage };
        inPage += this.#regionBytes;
      }
    }
  }

  /** Submits what `encode` copies from or to a buffer of a page, which lives until `use` has ended. */
  async #staged(
    usage: number,
    encode: (encoder: GPUCommandEncoder, staging: GPUBuffer) => void,
    use: (staging: GPUBuffer) => Promise<void> = async () => {},
  ): Promise<void> {
    const { device } = this.#memory;
    const { value: staging, settled } = this.#memory.guard(
      () => this.pageBytes,
      () => this.#memory.allocate(this.pageBytes, usage),
    );
    try {
      const { settled: copied } = this.#memory.guard(
        () => this.pageBytes,
        () => {
          const encoder = device.createCommandEncoder();
          encode(encoder, staging.gpu);
          device.queue.submit([encoder.finish()]);
        },
      );
      await Promise.all([settled, copied]);
      await use(staging.gpu);
    } finally {
      this.#memory.destroy(staging);
    }
  }

  async #resize(layer: number, pages: number): Promise<void> {
    const bytes = pages * this.#regionBytes;
    const old = this.#layers[layer];
    if (pages === 0) {
      if (old) this.#release(old);
      delete this.#layers[layer];
      return;
    }
    const { value, settled } = this.#memory.guard(
      () => 2 * bytes,
      () => this.#copyOf(old, bytes),
    );
    try {
      await settled;
    } catch (error) {
      this.#release(value);
      throw error;
    }
    if (old) this.#release(old);
    this.#layers[layer] = value;
  }

  #copyOf(old: LayerPages | undefined, bytes: number): LayerPages {
    const larger = { keys: new Storage(bytes, this.#memory.allocate(bytes)), values: new Storage(bytes) };
    try {
      larger.values.buffer = this.#memory.allocate(bytes);
    } catch (error) {
      this.#release(larger);
      throw error;
    }
    if (!old) return larger;
    const encoder = this.#memory.device.createCommandEncoder();
    for (const kind of ['keys', 'values'] as const) {
      const size = Math.min(old[kind].bytes, bytes);
      encoder.copyBufferToBuffer(old[kind].buffer!.gpu, 0, larger[kind].buffer!.gpu, 0, size);
    }
    this.#memory.device.queue.submit([encoder.finish()]);
    return larger;
  }

  #release({ keys, values }: LayerPages): void {
    if (keys.buffer) this.#memory.destroy(keys.buffer);
    if (values.buffer) this.#memory.destroy(values.buffer);
  }
}

/** The pool of `kv`, which must have the heads of `shape`. */
export function poolOf(kv: KvView, { kvHeads, headDim }: AttentionShape): GpuKvPool {
  const pool = kv.pool;
  check(pool instanceof GpuKvPool, () => 'KvView: the pool is of another backend');
  check(
    pool.layout.kvHeads === kvHeads && pool.layout.headDim === headDim,
    () => `KvView: ${kvHeads} heads of ${headDim}, the pool has ${pool.layout.kvHeads} of ${pool.layout.headDim}`,
  );
  return pool;
}
