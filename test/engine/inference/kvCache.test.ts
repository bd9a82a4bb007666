import assert from 'node:assert/strict';
import { KvCache, PageAllocator } from '../../../engine/inference/kvCache.ts';
import { chooseKvDtype } from '../../../engine/inference/kvDtype.ts';
import { loadWeights } from '../../../engine/load/loadWeights.ts';
import { openSource } from '../../../engine/sources/openSource.ts';
import { withFormats } from '../../../engine/load/weightFormats.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { BackendLost, type KvPool, OutOfMemory, PAGE_TOKENS } from '../../../kernels/ops.ts';
import { ReferenceOps } from '../../../kernels/reference/referenceOps.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';

/** A pool of which every slot holds the token stored there. It fails beyond `limit` pages. */
class TokenPool implements KvPool {
  readonly layout = { layers: 1, kvHeads: 1, headDim: 8, dtype: 'f16' } as const;
  readonly pageBytes = 1;
  capacity = 0;
  copies = 0;
  lost = false;
  readonly #slots = new Map<number, number>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async grow(pages: number): Promise<void> {
    if (pages > this.#limit) throw new OutOfMemory(pages, 'full');
    this.capacity = pages;
  }

  async copy(from: number, to: number): Promise<void> {
    if (this.lost) throw new BackendLost('gone');
    this.copies++;
    for (let slot = 0; slot < PAGE_TOKENS; slot++) this.set(to, slot, this.get(from, slot));
  }

  set(page: number, slot: number, id: number): void {
    this.#slots.set(page * PAGE_TOKENS + slot, id);
  }

  get(page: number, slot: number): number {
    return this.#slots.get(page * PAGE_TOKENS + slot) ?? -1;
  }

  read(): Promise<Uint8Array> {
    throw new Error('not asked for here');
  }
  write(): Promise<void> {
    throw new Error('not asked for here');
  }
  dispose(): void {}
}

const ids = (count: number, first = 0): number[] => Array.from({ length: count }, (_, i) => first + i);

/** A step that stores these tokens. */
async function extend(cache: KvCache, tokens: readonly number[]): Promise<void> {
  const { pool, pages, length } = await cache.reserve(tokens.length);
  tokens.forEach((id, i) => {
    const position = length + i;
    (pool as TokenPool).set(pages[Math.floor(position / PAGE_TOKENS)]!, position % PAGE_TOKENS, id);
  });
  cache.append(tokens);
}

/** Asserts that the contents of the pages are what the cache claims. */
async function assertIntact(cache: KvCache, tokens: readonly number[]): Promise<void> {
  const { pool, pages } = await cache.reserve(0);
  const held = Array.from(cache.tokens, (_, position) =>
    (pool as TokenPool).get(pages[Math.floor(position / PAGE_TOKENS)]!, position % PAGE_TOKENS),
  );
  assert.deepEqual([...cache.tokens], [...tokens]);
  assert.deepEqual(held, [...tokens]);
  assert.equal(pages.length, Math.ceil(tokens.length / PAGE_TOKENS));
}

describe('the KV cache', () => {
  it('takes a page per 64 tokens and gives them back when truncated', async () => {
    const allocator = new PageAllocator(new TokenPool(100));
    const cache = new KvCache(allocator);
    for (const [tokens, pages] of [
      [1, 1],
      [63, 1],
      [1, 2],
      [200, 5],
    ] as const) {
      await extend(cache, ids(tokens));
      assert.equal(allocator.pagesInUse, pages);
    }
    cache.truncate(64);
    assert.deepEqual([cache.length, allocator.pagesInUse], [64, 1]);
    cache.dispose();
    assert.equal(allocator.pagesInUse, 0);
    assert.equal(allocator.caches.size, 0);
  });

  it('loses nothing when there is no memory for more', async () => {
    const allocator = new PageAllocator(new TokenPool(3));
    const cache = new KvCache(allocator);
    await extend(cache, ids(3 * PAGE_TOKENS));
    await assert.rejects(cache.reserve(1), OutOfMemory);
    assert.deepEqual([cache.length, allocator.pagesInUse], [3 * PAGE_TOKENS, 3]);
    cache.truncate(10);
    await extend(cache, ids(100));
  });

  it('grows by half, or by what there is room for', async () => {
    const pool = new TokenPool(13);
    const cache = new KvCache(new PageAllocator(pool));
    const capacities: number[] = [];
    for (let page = 0; page < 13; page++) {
      await extend(cache, ids(PAGE_TOKENS));
      capacities.push(pool.capacity);
    }
    assert.deepEqual(capacities, [1, 2, 3, 5, 5, 8, 8, 8, 12, 12, 12, 12, 13]);
  });
});

describe('pages that caches share', () => {
  for (const [length, extra] of [
    [0, 0],
    [64, 0],
    [70, 1],
    [127, 1],
    [128, 0],
    [200, 1],
  ] as const) {
    it(`a fork of ${length} tokens costs ${extra} page once both go on`, async () => {
      const pool = new TokenPool(100);
      const allocator = new PageAllocator(pool);
      const cache = new KvCache(allocator);
      await extend(cache, ids(length));
      const pages = Math.ceil(length / PAGE_TOKENS);
      const fork = cache.fork();
      assert.equal(allocator.pagesInUse, pages);
      await extend(fork, [7]);
      await extend(cache, [8]);
      await assertIntact(cache, [...ids(length), 8]);
      await assertIntact(fork, [...ids(length), 7]);
      assert.equal(pool.copies, extra, 'who appends last has the page for himself');
      cache.dispose();
      await assertIntact(fork, [...ids(length), 7]);
      fork.dispose();
      assert.equal(allocator.pagesInUse, 0);
    });
  }

  it('a part of another cache replaces what was there, the own pages included', async () => {
    const allocator = new PageAllocator(new TokenPool(100));
    const [a, b] = [new KvCache(allocator), new KvCache(allocator)];
    a.longFactors = true;
    await extend(a, ids(300));
    b.share(a, 200);
    b.share(a, 250);
    assert.equal(b.longFactors, true);
    await assertIntact(b, ids(250));
    a.truncate(100);
    await extend(a, ids(30, 500));
    await assertIntact(b, ids(250));
    await assertIntact(a, [...ids(100), ...ids(30, 500)]);
    assert.equal(allocator.pagesInUse, 4 + 2, 'the first page once');
    a.dispose();
    b.dispose();
    assert.equal(allocator.pagesInUse, 0);
  });

  it('the closest of all caches of the same factors is found, if it holds enough', async () => {
    const allocator = new PageAllocator(new TokenPool(100));
    const [self, short, close, long] = ids(4).map(() => new KvCache(allocator));
    await extend(short!, ids(100));
    await extend(close!, [...ids(150), 999, 998]);
    await extend(long!, ids(300));
    long!.longFactors = true;
    for (const [limit, least, want] of [
      [200, 64, 150],
      [120, 64, 120],
      [200, 151, null],
    ] as const) {
      assert.equal(self!.closestOther(ids(300), limit, least)?.length ?? null, want);
    }
    self!.longFactors = true;
    assert.equal(self!.closestOther(ids(300), 299, 64)?.length, 299);
  });

  it('without memory for the copy everything stays as it was', async () => {
    const pool = new TokenPool(2);
    const allocator = new PageAllocator(pool);
    const cache = new KvCache(allocator);
    await extend(cache, ids(100));
    const fork = cache.fork();
    await assert.rejects(extend(fork, [7]), OutOfMemory);
    assert.equal(allocator.pagesInUse, 2);
    await assertIntact(cache, ids(100));
    await assertIntact(fork, ids(100));
    cache.truncate(64);
    await extend(fork, [7]);
    await assertIntact(fork, [...ids(100), 7]);
  });

  it('a copy that fails takes no page', async () => {
    const pool = new TokenPool(9);
    const allocator = new PageAllocator(pool);
    const cache = new KvCache(allocator);
    await extend(cache, ids(10));
    const fork = cache.fork();
    pool.lost = true;
    await assert.rejects(extend(fork, ids(100)), BackendLost);
    assert.deepEqual([allocator.pagesInUse, fork.length], [1, 10]);
  });

  it('gives its memory up only where no page is in use, and can grow again', async () => {
    const ops = new ReferenceOps();
    const allocator = new PageAllocator(ops.createKvPool({ layers: 1, kvHeads: 1, headDim: 8, dtype: 'f32' }));
    assert.equal(allocator.clear(), false);
    const pages = await allocator.allocate(2);
    allocator.release(pages.slice(1));
    assert.equal(allocator.clear(), false);
    allocator.release(pages.slice(0, 1));
    assert.ok(ops.bytesHeld > 0);
    assert.equal(allocator.clear(), true);
    assert.deepEqual([ops.bytesHeld, allocator.pagesInUse], [0, 0]);
    assert.deepEqual([await allocator.allocate(2), allocator.pagesInUse], [[0, 1], 2]);
    assert.equal(new PageAllocator(new TokenPool(9)).clear(), false);
  });

  it('whatever caches do at random, none sees the tokens of another', async () => {
    const random = mulberry32(5);
    const below = (limit: number): number => Math.floor(random() * limit);
    const allocator = new PageAllocator(new TokenPool(1000));
    let sequences: { cache: KvCache; tokens: number[] }[] = [];
    for (let round = 0; round < 600; round++) {
      const one = sequences[below(sequences.length)];
      const action = below(5);
      if (!one || action === 0) {
        const other = one?.cache.fork() ?? new KvCache(allocator);
        sequences.push({ cache: other, tokens: [...(one?.tokens ?? [])] });
      } else if (action === 1) {
        const from = sequences[below(sequences.length)]!;
        const length = below(from.tokens.length + 1);
        if (from !== one) {
          one.cache.share(from.cache, length);
          one.tokens = from.tokens.slice(0, length);
        }
      } else if (action === 2) {
        one.tokens.length = below(one.tokens.length + 1);
        one.cache.truncate(one.tokens.length);
      } else if (action === 3 && sequences.length > 6) {
        one.cache.dispose();
        sequences = sequences.filter((other) => other !== one);
      } else {
        const added = ids(below(100), round * 100);
        await extend(one.cache, added);
        one.tokens.push(...added);
      }
      const pages = await Promise.all(sequences.map(async ({ cache }) => (await cache.reserve(0)).pages));
      assert.equal(allocator.pagesInUse, new Set(pages.flat()).size);
      if (round % 20 === 0) for (const { cache, tokens } of sequences) await assertIntact(cache, tokens);
    }
    for (const { cache, tokens } of sequences) await assertIntact(cache, tokens);
    for (const { cache } of sequences) cache.dispose();
    assert.equal(allocator.pagesInUse, 0);
  });
});

describe('the format of the KV cache', () => {
  const mini = { layers: 32, kvHeads: 32, headDim: 96 };
  const small = { layers: 32, kvHeads: 8, headDim: 128 };
  const GB = 1e9;
  for (const [name, shape, contextLength, freeBytes, want] of [
    ['phi-3-mini-4k takes 1.6 GB', mini, 4096, 3.3 * GB, 'f16'],
    ['phi-3-mini-4k with less', mini, 4096, 3.2 * GB, 'q8'],
    ['phi-3-mini-128k takes 52 GB', mini, 131072, 80 * GB, 'q8'],
    ['phi-3-mini-128k on a large GPU', mini, 131072, 110 * GB, 'f16'],
    ['phi-3-small-8k takes 1.1 GB', small, 8192, 2.2 * GB, 'f16'],
    ['phi-3-small-128k takes 17 GB', small, 131072, 24 * GB, 'q8'],
    ['nothing free', small, 8192, 0, 'q8'],
    ['phi-3-mini-4k on a graphics card', mini, 4096, Infinity, 'f16'],
    ['phi-3-mini-128k on a graphics card', mini, 131072, Infinity, 'q8'],
  ] as const) {
    it(`${name}: ${want}`, () => assert.equal(chooseKvDtype({ ...shape, contextLength, freeBytes }), want));
  }
});

describe('loading weights', () => {
  it('streams: no piece is larger than eight MiB of a file, whatever the tensor', async () => {
    const config = { ...TINY_CONFIG, vocab_size: 80_000, tie_word_embeddings: true };
    const specs = readBlueprint(config).tensors;
    const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
    const tensors = specs.map(({ name, shape }) => ({
      name,
      shape: [...shape],
      values: new Float32Array(size(shape)),
    }));
    const folder = TinyFolder.model({ config, tensors });
    const checkpoint = await (await openSource(folder.path)).checkpoint();
    const ops = new ReferenceOps();
    const sizes: number[] = [];
    ops.createWeight = (shape, dtype) => ({
      writeStored: async (bytes) => sizes.push(bytes),
      finish: async () => ({ shape, dtype }),
    });
    await loadWeights(ops, checkpoint, withFormats(specs, 'q4'), {});
    assert.ok(sizes.length > 9, 'the embedding came in more than one piece');
    assert.ok(Math.max(...sizes) <= 8 << 20);
    await checkpoint.close();
    folder.remove();
  });
});
