import { type KvPool, type KvView, PAGE_TOKENS } from '../../kernels/ops.ts';

/**
 * Hands out the pages of a pool, growing it as needed, and counts who holds them: a page that several caches share goes
 * back when the last of them leaves. One per loaded model; every sequence's cache draws on it.
 */
export class PageAllocator {
  /** Those not disposed; what one of them holds may serve another. */
  readonly caches = new Set<KvCache>();
  readonly #free: number[] = [];
  /** Of each page. */
  readonly #holders: number[] = [];

  constructor(readonly pool: KvPool) {}

  /** Pages in use now, shared ones once. Tests count leaks with it. */
  get pagesInUse(): number {
    return this.#holders.length - this.#free.length;
  }

  /** Only between steps, one call at a time. Rejects with OutOfMemory; then nothing was taken. */
  async take(count: number): Promise<number[]> {
    if (this.#free.length < count) {
      const before = this.pool.capacity;
      // By half, so that growing to n pages copies O(n) pages altogether.
      const wanted = Math.max(before + count - this.#free.length, Math.ceil(before * 1.5));
      await this.pool.grow(wanted).catch(() => this.pool.grow(before + count - this.#free.length));
      for (let page = this.pool.capacity - 1; page >= before; page--) this.#free.push(page);
      while (this.#holders.length < this.pool.capacity) this.#holders.push(0);
    }
    const pages = this.#free.splice(this.#free.length - count, count).reverse();
    this.hold(pages);
    return pages;
  }

  /** One holder more for each of these pages. */
  hold(pages: readonly number[]): void {
    for (const page of pages) this.#holders[page]!++;
  }

  /** One holder less. */
  give(pages: readonly number[]): void {
    for (const page of pages) if (--this.#holders[page]! === 0) this.#free.push(page);
  }

  isShared(page: number): boolean {
    return this.#holders[page]! > 1;
  }
}

/**
 * The keys and values of one sequence: which tokens they belong to, and in which pages they lie. Caches of one pool
 * share the pages of common prefixes. A page that is shared is never written: whoever appends into one copies it first.
 */
export class KvCache {
  /** Which LongRoPE factors the keys were rotated with; only sequences of one kind have keys in common. */
  longFactors = false;
  readonly #pages: number[] = [];
  #stored = new Int32Array(PAGE_TOKENS);
  #count = 0;

  readonly #allocator: PageAllocator;

  constructor(allocator: PageAllocator) {
    this.#allocator = allocator;

    allocator.caches.add(this);
  }

  /** Ids whose keys and values are stored, by position. A view that the next change may spoil. */
  get tokens(): Int32Array {
    return this.#stored.subarray(0, this.#count);
  }

  get length(): number {
    return this.#count;
  }

  /** How many of the first `limit` of `tokens` are stored here; of the first `known` it is known that they agree. */
  commonPrefix(tokens: ArrayLike<number>, limit: number, known = 0): number {
    const end = Math.min(limit, this.#count);
    let common = Math.min(known, end);
    while (common < end && this.#stored[common] === tokens[common]) common++;
    return common;
  }

  /** The other cache of the pool that holds most of the first `limit` of `tokens`; null where none holds `least`. */
  closestOther(
    tokens: ArrayLike<number>,
    limit: number,
    least: number,
  ): { readonly cache: KvCache; readonly length: number } | null {
    let closest: { cache: KvCache; length: number } | null = null;
    for (const cache of this.#allocator.caches) {
      if (cache === this || cache.longFactors !== this.longFactors || cache.length < least) continue;
      const length = cache.commonPrefix(tokens, limit);
      if (length >= least && length > (closest?.length ?? 0)) closest = { cache, length };
    }
    return closest;
  }

  /**
   * The view for a step that will add `count` tokens; takes pages, and copies a shared one that the step would write
   * to. Only between steps. Rejects with OutOfMemory or BackendLost; then nothing changed.
   */
  async reserve(count: number): Promise<KvView> {
    const allocator = this.#allocator;
    const pages = this.#pages;
    const partial = Math.floor(this.#count / PAGE_TOKENS);
    const copies = count > 0 && partial < pages.length && allocator.isShared(pages[partial]!);
    const missing = Math.ceil((this.#count + count) / PAGE_TOKENS) - pages.length;
    const taken = await allocator.take(Math.max(0, missing) + Number(copies));
    if (copies) {
      const [shared, own] = [pages[partial]!, taken.pop()!];
      try {
        await allocator.pool.copy(shared, own);
      } catch (error) {
        allocator.give([...taken, own]);
        throw error;
      }
      pages[partial] = own;
      allocator.give([shared]);
    }
    pages.push(...taken);
    return { pool: allocator.pool, pages, length: this.#count };
  }

  /** After the step that stored them. */
  append(ids: ArrayLike<number>): void {
    const length = this.#count + ids.length;
    if (length > this.#stored.length) {
      const larger = new Int32Array(Math.max(length, 2 * this.#stored.length));
      larger.set(this.tokens);
      this.#stored = larger;
    }
    this.#stored.set(ids, this.#count);
    this.#count = length;
  }

  /** Becomes the first `length` tokens of `other`, a cache of the same pool, by sharing its pages. Needs no memory. */
  share(other: KvCache, length: number): void {
    const pages = other.#pages.slice(0, Math.ceil(length / PAGE_TOKENS));
    this.#allocator.hold(pages); // First: they may be this cache's own.
    this.truncate(0);
    this.#pages.push(...pages);
    this.append(other.#stored.subarray(0, length));
    this.longFactors = other.longFactors;
  }

  /** A second cache of the same tokens. */
  fork(): KvCache {
    const fork = new KvCache(this.#allocator);
    fork.share(this, this.#count);
    return fork;
  }

  /** Forgets everything from position `length` on and leaves its pages. */
  truncate(length: number): void {
    this.#count = Math.min(length, this.#count);
    this.#allocator.give(this.#pages.splice(Math.ceil(this.#count / PAGE_TOKENS)));
  }

  dispose(): void {
    this.truncate(0);
    this.#allocator.caches.delete(this);
  }
}
