import { type KvPool, type KvView, PAGE_TOKENS } from '../kernels/ops.ts';

/** Hands out the pages of a pool, growing it as needed. One per loaded model; every sequence's cache draws on it. */
export class PageAllocator {
  private readonly free: number[] = [];
  private used = 0;

  constructor(readonly pool: KvPool) {}

  /** Pages in use now. Tests count leaks with it. */
  get pagesInUse(): number {
    return this.used;
  }

  /** Rejects with OutOfMemory; then nothing was taken. */
  async take(count: number): Promise<number[]> {
    if (this.free.length < count) {
      const before = this.pool.capacity;
      // By half, so that growing to n pages copies O(n) pages altogether.
      const wanted = Math.max(before + count - this.free.length, Math.ceil(before * 1.5));
      await this.pool.grow(wanted).catch(() => this.pool.grow(before + count - this.free.length));
      for (let page = this.pool.capacity - 1; page >= before; page--) this.free.push(page);
    }
    this.used += count;
    return this.free.splice(this.free.length - count, count).reverse();
  }

  give(pages: readonly number[]): void {
    this.used -= pages.length;
    this.free.push(...pages);
  }
}

/** The keys and values of one sequence: which tokens they belong to, and in which pages they lie. */
export class KvCache {
  private readonly pages: number[] = [];
  private readonly stored: number[] = [];

  constructor(private readonly allocator: PageAllocator) {}

  /** Ids whose keys and values are stored, by position. */
  get tokens(): readonly number[] {
    return this.stored;
  }

  get length(): number {
    return this.stored.length;
  }

  /** The view for a step that will add `count` tokens. Rejects with OutOfMemory; then nothing changed. */
  async reserve(count: number): Promise<KvView> {
    const missing = Math.ceil((this.length + count) / PAGE_TOKENS) - this.pages.length;
    if (missing > 0) this.pages.push(...(await this.allocator.take(missing)));
    return { pool: this.allocator.pool, pages: this.pages, length: this.length };
  }

  /** After the step that stored them. */
  append(ids: readonly number[]): void {
    this.stored.push(...ids);
  }

  /** Forgets everything from position `length` on and gives its pages back. */
  truncate(length: number): void {
    this.stored.length = Math.min(length, this.stored.length);
    this.allocator.give(this.pages.splice(Math.ceil(this.stored.length / PAGE_TOKENS)));
  }

  dispose(): void {
    this.truncate(0);
  }
}
