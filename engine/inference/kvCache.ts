import { type KvPool, type KvView, PAGE_TOKENS } from '../../kernels/ops.ts';

/**
 * Allocates the pages of a pool, which grows as needed, and counts references: a page that several caches share is free
 * when the last of them releases it. Each loaded model has one allocator for the caches of all sequences.
 */
export class PageAllocator {
  /** The caches in use. One may share the pages of another. */
  readonly caches = new Set<KvCache>();
  readonly #free: number[] = [];
  /** By page: number of caches that hold it. */
  readonly #references: number[] = [];

  constructor(readonly pool: KvPool) {}

  /** Number of pages in use; shared ones count once. Tests detect leaks with it. */
  get pagesInUse(): number {
    return this.#references.length - this.#free.length;
  }

  /** Only between steps, one call at a time. Rejects with OutOfMemory, and then allocates nothing. */
  async allocate(count: number): Promise<number[]> {
    if (this.#free.length < count) {
      const before = this.pool.capacity;
      // By half, so that growing to n pages copies O(n) pages in total.
      const wanted = Math.max(before + count - this.#free.length, Math.ceil(before * 1.5));
      await this.pool.grow(wanted).catch(() => this.pool.grow(before + count - this.#free.length));
      for (let page = this.pool.capacity - 1; page >= before; page--) this.#free.push(page);
      while (this.#references.length < this.pool.capacity) this.#references.push(0);
    }
    const pages = this.#free.splice(this.#free.length - count, count).reverse();
    this.retain(pages);
    return pages;
  }

  retain(pages: readonly number[]): void {
    for (const page of pages) this.#references[page]!++;
  }

  release(pages: readonly number[]): void {
    for (const page of pages) if (--this.#references[page]! === 0) this.#free.push(page);
  }

  /** Gives the memory of all pages up where none is in use and the pool can. Returns whether it did. */
  clear(): boolean {
    const { clear, capacity } = this.pool;
    if (!clear || capacity === 0 || this.pagesInUse > 0) return false;
    clear.call(this.pool);
    this.#free.length = this.#references.length = 0;
    return true;
  }

  isShared(page: number): boolean {
    return this.#references[page]! > 1;
  }
}

/**
 * The keys and values of one sequence: which tokens they belong to, and in which pages they lie. Caches of one pool
 * share the pages of common prefixes. A shared page is never written: a cache that appends to one copies it first.
 */
export class KvCache {
  /** Whether the keys were rotated with the long LongRoPE factors. Caches share keys of the same factors only. */
  longFactors = false;
  readonly #pages: number[] = [];
  #stored = new Int32Array(PAGE_TOKENS);
  #count = 0;

  readonly #allocator: PageAllocator;

  constructor(allocator: PageAllocator) {
    this.#allocator = allocator;

    allocator.caches.add(this);
  }

  /** The ids whose keys and values are stored, by position. This is a view that the next change may invalidate. */
  get tokens(): Int32Array {
    return this.#stored.subarray(0, this.#count);
  }

  get length(): number {
    return this.#count;
  }

  /** Number of the first `limit` of `tokens` whose keys and values are stored here. */
  commonPrefix(tokens: ArrayLike<number>, limit: number): number {
    const end = Math.min(limit, this.#count);
    let common = 0;
    while (common < end && this.#stored[common] === tokens[common]) common++;
    return common;
  }

  /**
   * The other cache of the pool that holds most of the first `limit` of `tokens`; null where none holds `least` of them.
   */
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
   * Returns the view for a step that will add `count` tokens: allocates pages for them, and copies a shared page that
   * the step would write to. Only between steps. Rejects with OutOfMemory or BackendLost, and then changes nothing.
   */
  async reserve(count: number): Promise<KvView> {
    const allocator = this.#allocator;
    const pages = this.#pages;
    const partial = Math.floor(this.#count / PAGE_TOKENS);
    const copies = count > 0 && partial < pages.length && allocator.isShared(pages[partial]!);
    const missing = Math.ceil((this.#count + count) / PAGE_TOKENS) - pages.length;
    const taken = await allocator.allocate(Math.max(0, missing) + Number(copies));
    if (copies) {
      const [shared, own] = [pages[partial]!, taken.pop()!];
      try {
        await allocator.pool.copy(shared, own);
      } catch (error) {
        allocator.release([...taken, own]);
        throw error;
      }
      pages[partial] = own;
      allocator.release([shared]);
    }
    pages.push(...taken);
    return { pool: allocator.pool, pages, length: this.#count };
  }

  /** Records the tokens whose keys and values a step has stored. */
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

  /** Replaces the content by the first `length` tokens of `other`, sharing its pages. Needs no memory. */
  share(other: KvCache, length: number): void {
    const pages = other.#pages.slice(0, Math.ceil(length / PAGE_TOKENS));
    this.#allocator.retain(pages); // Before truncating, since they may be shared with this cache.
    this.truncate(0);
    this.#pages.push(...pages);
    this.append(other.#stored.subarray(0, length));
    this.longFactors = other.longFactors;
  }

  /** A second cache with the same content. */
  fork(): KvCache {
    const fork = new KvCache(this.#allocator);
    fork.share(this, this.#count);
    return fork;
  }

  /** Drops everything from position `length` on, and releases the pages behind it. */
  truncate(length: number): void {
    this.#count = Math.min(length, this.#count);
    this.#allocator.release(this.#pages.splice(Math.ceil(this.#count / PAGE_TOKENS)));
  }

  dispose(): void {
    this.truncate(0);
    this.#allocator.caches.delete(this);
  }
}
