import { check } from '../../check.ts';
import { type KvDType, type KvLayout, type KvPool, type KvView, PAGE_TOKENS } from '../../ops.ts';
import type { Bank, Banks } from './banks.ts';

const VALUE_BYTES: Record<KvDType, number> = { f32: 4, f16: 2, q8: 1 };

/** The part of every page that lies in one bank: a stretch with its layers. */
interface Share {
  readonly bank: Bank;
  readonly layers: number[];
  /** Addresses of the stretches, by page. */
  readonly addresses: number[];
}

/**
 * Pages lie anywhere in the heaps, so that growing moves nothing. A page is one stretch in each bank that holds layers.
 * A stretch holds, for each of its layers and kv heads, 64 keys of headDim values and then 64 values; where they are
 * int8, keys and values are each followed by 64 f32 scales.
 */
export class WasmKvPool implements KvPool {
  readonly pageBytes: number;
  readonly #layerBytes: number;
  readonly #shares: Share[] = [];
  /** The share of each layer, and the index of the layer there. */
  readonly #places: { readonly share: Share; readonly index: number }[] = [];

  /** `check` throws where the backend cannot be used any more. */
  readonly #checkAlive: () => void;

  constructor(
    banks: Banks,
    readonly layout: KvLayout,
    checkAlive: () => void,
  ) {
    this.#checkAlive = checkAlive;

    const { layers, kvHeads, headDim, dtype } = layout;
    check(headDim > 0 && headDim % 8 === 0, () => `createKvPool: headDim ${headDim} is no multiple of 8`);
    const scales = dtype === 'q8' ? 4 * PAGE_TOKENS : 0;
    this.#layerBytes = kvHeads * 2 * (PAGE_TOKENS * headDim * VALUE_BYTES[dtype] + scales);
    this.pageBytes = layers * this.#layerBytes;
    for (let layer = 0; layer < layers; layer++) {
      const bank = banks.ofLayer(layer);
      let share = this.#shares.find((known) => known.bank === bank);
      if (!share) this.#shares.push((share = { bank, layers: [], addresses: [] }));
      this.#places.push({ share, index: share.layers.push(layer) - 1 });
    }
  }

  get capacity(): number {
    return this.#shares[0]?.addresses.length ?? 0;
  }

  async grow(pages: number): Promise<void> {
    const before = this.capacity;
    try {
      for (const { bank, layers, addresses } of this.#shares)
        while (addresses.length < pages) addresses.push(bank.heap.allocate(layers.length * this.#layerBytes));
    } catch (error) {
      this.#shrink(before);
      throw error;
    }
  }

  async copy(from: number, to: number): Promise<void> {
    this.#checkPages(from, to);
    for (const { bank, layers, addresses } of this.#shares) {
      const [source, target] = [addresses[from]!, addresses[to]!];
      bank.heap.view.u8.copyWithin(target, source, source + layers.length * this.#layerBytes);
    }
  }

  /** Layer by layer, wherever they lie: another process may spread them otherwise. */
  async read(page: number): Promise<Uint8Array> {
    this.#checkPages(page);
    const bytes = new Uint8Array(this.pageBytes);
    this.#places.forEach((_, layer) => bytes.set(this.#layerOf(page, layer), layer * this.#layerBytes));
    return bytes;
  }

  async write(page: number, bytes: Uint8Array): Promise<void> {
    this.#checkPages(page);
    check(bytes.length === this.pageBytes, () => `kv: ${bytes.length} bytes for a page of ${this.pageBytes}`);
    const layerBytes = this.#layerBytes;
    this.#places.forEach((_, layer) =>
      this.#layerOf(page, layer).set(bytes.subarray(layer * layerBytes, (layer + 1) * layerBytes)),
    );
  }

  dispose(): void {
    this.#shrink(0);
  }

  /** Bank of a layer and its index among the layers that the bank holds. */
  placeOf(layer: number): { bank: number; index: number } {
    const { share, index } = this.#places[layer]!;
    return { bank: share.bank.index, index };
  }

  /**
   * The view's length, then the addresses in a bank of the pages that hold its first `tokens` tokens, as
   * assembly/attention/kvPage.ts reads them.
   */
  listOf(view: KvView, tokens: number, bank: number): Int32Array {
    const needed = Math.ceil(tokens / PAGE_TOKENS);
    check(view.pages.length >= needed, () => `kv: ${view.pages.length} pages do not cover ${tokens} tokens`);
    const { addresses } = this.#shares.find((share) => share.bank.index === bank)!;
    const list = new Int32Array(1 + needed);
    list[0] = view.length;
    for (let i = 0; i < needed; i++) {
      const address = addresses[view.pages[i]!];
      check(address !== undefined, () => `kv: page ${view.pages[i]} of a pool of ${this.capacity}`);
      list[1 + i] = address;
    }
    return list;
  }

  #layerOf(page: number, layer: number): Uint8Array {
    const { share, index } = this.#places[layer]!;
    const at = share.addresses[page]! + index * this.#layerBytes;
    return share.bank.heap.view.u8.subarray(at, at + this.#layerBytes);
  }

  #checkPages(...pages: readonly number[]): void {
    this.#checkAlive();
    for (const page of pages)
      check(page >= 0 && page < this.capacity, () => `kv: page ${page} of a pool of ${this.capacity}`);
  }

  #shrink(pages: number): void {
    for (const { bank, addresses } of this.#shares)
      for (const address of addresses.splice(pages)) bank.heap.release(address);
  }
}
