import { check } from '../check.ts';
import { type AttentionShape, type KvLayout, type KvPool, type KvView, PAGE_TOKENS } from '../ops.ts';
import type { Memory } from './memory.ts';
import { Storage } from './tensor.ts';

/** Keys and values of one layer, in the layout of pages.wgsl. */
interface LayerPages {
  readonly keys: Storage;
  readonly values: Storage;
}

/** The pages of every layer: two buffers a layer, so that each stays within what can be bound. */
export class GpuKvPool implements KvPool {
  readonly pageBytes: number;
  capacity = 0;
  private layers: LayerPages[] = [];
  private disposed = false;

  constructor(
    private readonly memory: Memory,
    readonly layout: KvLayout,
  ) {
    const { headDim } = layout;
    check(
      headDim % 8 === 0 && headDim <= 128,
      () => `createKvPool: headDim ${headDim}, wanted a multiple of 8 up to 128`,
    );
    this.pageBytes = 2 * layout.layers * this.layerPageBytes;
  }

  /** Layer by layer, so that only one layer is held twice. What was grown shrinks again where a later layer fails. */
  async grow(pages: number): Promise<void> {
    check(!this.disposed, () => 'KvPool: disposed');
    if (pages <= this.capacity) return;
    this.memory.foresee((pages - this.capacity) * this.pageBytes);
    const before = [...this.layers];
    try {
      for (let layer = 0; layer < this.layout.layers; layer++) await this.resize(layer, pages);
      this.capacity = pages;
    } catch (error) {
      for (let layer = 0; layer < this.layout.layers; layer++) {
        // The room was there a moment ago; where it is gone, larger buffers than needed do no harm.
        if (this.layers[layer] !== before[layer]) await this.resize(layer, this.capacity).catch(() => {});
      }
      throw error;
    }
  }

  get isF16(): boolean {
    return this.layout.dtype === 'f16';
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
    return this.layers[layer]!;
  }

  dispose(): void {
    this.disposed = true;
    for (const layer of this.layers) this.release(layer);
    this.layers = [];
    this.capacity = 0;
  }

  private get layerPageBytes(): number {
    const { kvHeads, headDim } = this.layout;
    return PAGE_TOKENS * kvHeads * headDim * (this.isF16 ? 2 : 4);
  }

  private async resize(layer: number, pages: number): Promise<void> {
    const bytes = pages * this.layerPageBytes;
    const old = this.layers[layer];
    if (pages === 0) {
      if (old) this.release(old);
      delete this.layers[layer];
      return;
    }
    const { value, settled } = this.memory.guard(
      () => 2 * bytes,
      () => this.copyOf(old, bytes),
    );
    try {
      await settled;
    } catch (error) {
      this.release(value);
      throw error;
    }
    if (old) this.release(old);
    this.layers[layer] = value;
  }

  private copyOf(old: LayerPages | undefined, bytes: number): LayerPages {
    const larger = { keys: new Storage(bytes, this.memory.allocate(bytes)), values: new Storage(bytes) };
    try {
      larger.values.buffer = this.memory.allocate(bytes);
    } catch (error) {
      this.release(larger);
      throw error;
    }
    if (!old) return larger;
    const encoder = this.memory.device.createCommandEncoder();
    for (const kind of ['keys', 'values'] as const) {
      const size = Math.min(old[kind].bytes, bytes);
      encoder.copyBufferToBuffer(old[kind].buffer!.gpu, 0, larger[kind].buffer!.gpu, 0, size);
    }
    this.memory.device.queue.submit([encoder.finish()]);
    return larger;
  }

  private release({ keys, values }: LayerPages): void {
    if (keys.buffer) this.memory.destroy(keys.buffer);
    if (values.buffer) this.memory.destroy(values.buffer);
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
