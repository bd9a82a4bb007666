import { check } from '../check.ts';
import { type KvLayout, type KvPool, type KvView, PAGE_TOKENS } from '../ops.ts';
import type { Heap } from './heap.ts';

/** Pages lie anywhere in the heap, so that growing moves nothing. Layout of a page: assembly/appendKv.ts. */
export class WasmKvPool implements KvPool {
  readonly pageBytes: number;
  private readonly addresses: number[] = [];

  constructor(
    private readonly heap: Heap,
    readonly layout: KvLayout,
  ) {
    const { layers, kvHeads, headDim, dtype } = layout;
    check(headDim > 0 && headDim % 8 === 0, () => `createKvPool: headDim ${headDim} is no multiple of 8`);
    this.pageBytes = layers * kvHeads * 2 * PAGE_TOKENS * headDim * (dtype === 'f16' ? 2 : 4);
  }

  get capacity(): number {
    return this.addresses.length;
  }

  async grow(pages: number): Promise<void> {
    const before = this.capacity;
    try {
      while (this.capacity < pages) this.addresses.push(this.heap.allocate(this.pageBytes));
    } catch (error) {
      for (const address of this.addresses.splice(before)) this.heap.release(address);
      throw error;
    }
  }

  dispose(): void {
    for (const address of this.addresses.splice(0)) this.heap.release(address);
  }

  /** Addresses of the pages that hold a view's first `tokens` tokens. */
  addressesOf(view: KvView, tokens: number): Int32Array {
    const needed = Math.ceil(tokens / PAGE_TOKENS);
    check(view.pages.length >= needed, () => `kv: ${view.pages.length} pages do not cover ${tokens} tokens`);
    return Int32Array.from(view.pages.slice(0, needed), (id) => {
      const address = this.addresses[id];
      check(address !== undefined, () => `kv: page ${id} of a pool of ${this.capacity}`);
      return address;
    });
  }
}
