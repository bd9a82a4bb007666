import assert from 'node:assert/strict';
import { KvCache, PageAllocator } from '../../engine/kvCache.ts';
import { loadWeights } from '../../engine/weights/loadWeights.ts';
import { ModelFolder } from '../../engine/weights/modelFolder.ts';
import { Phi3 } from '../../engine/models/phi3.ts';
import { parsePhi3Config } from '../../engine/models/config.ts';
import { type KvPool, OutOfMemory, PAGE_TOKENS } from '../../kernels/ops.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { TINY_CONFIG, TinyFolder } from '../support/tinyModel.ts';

/** A pool that only counts, and fails beyond `limit` pages. */
class CountingPool implements KvPool {
  readonly layout = { layers: 1, kvHeads: 1, headDim: 8, dtype: 'f16' } as const;
  readonly pageBytes = 1;
  capacity = 0;
  constructor(private readonly limit: number) {}
  async grow(pages: number): Promise<void> {
    if (pages > this.limit) throw new OutOfMemory(pages, 'full');
    this.capacity = pages;
  }
  dispose(): void {}
}

const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

async function extend(cache: KvCache, count: number): Promise<void> {
  await cache.reserve(count);
  cache.append(ids(count));
}

describe('the KV cache', () => {
  it('takes a page per 64 tokens and gives them back when truncated', async () => {
    const allocator = new PageAllocator(new CountingPool(100));
    const cache = new KvCache(allocator);
    for (const [tokens, pages] of [
      [1, 1],
      [63, 1],
      [1, 2],
      [200, 5],
    ] as const) {
      await extend(cache, tokens);
      assert.equal(allocator.pagesInUse, pages);
    }
    cache.truncate(64);
    assert.deepEqual([cache.length, allocator.pagesInUse], [64, 1]);
    cache.dispose();
    assert.equal(allocator.pagesInUse, 0);
  });

  it('never gives one page to two sequences, and uses returned pages again', async () => {
    const pool = new CountingPool(100);
    const allocator = new PageAllocator(pool);
    const caches = [new KvCache(allocator), new KvCache(allocator), new KvCache(allocator)];
    for (let round = 0; round < 20; round++) {
      for (const cache of caches) {
        await extend(cache, 50 + round);
        if (round % 3 === 2) cache.truncate(PAGE_TOKENS);
      }
      const views = await Promise.all(caches.map((cache) => cache.reserve(0)));
      const pages = views.flatMap((view) => view.pages);
      assert.equal(new Set(pages).size, pages.length);
      assert.ok(pages.every((page) => page >= 0 && page < pool.capacity));
    }
    caches.forEach((cache) => cache.dispose());
    assert.equal(allocator.pagesInUse, 0);
    const capacity = pool.capacity;
    await extend(new KvCache(allocator), capacity * PAGE_TOKENS);
    assert.equal(pool.capacity, capacity);
  });

  it('loses nothing when there is no memory for more', async () => {
    const allocator = new PageAllocator(new CountingPool(3));
    const cache = new KvCache(allocator);
    await extend(cache, 3 * PAGE_TOKENS);
    await assert.rejects(cache.reserve(1), OutOfMemory);
    assert.deepEqual([cache.length, allocator.pagesInUse], [3 * PAGE_TOKENS, 3]);
    cache.truncate(10);
    await extend(cache, 100);
  });
});

describe('loading weights', () => {
  it('streams: no piece is larger than eight MiB of a file, whatever the tensor', async () => {
    const config = { ...TINY_CONFIG, vocab_size: 80_000, tie_word_embeddings: true };
    const specs = Phi3.tensors(parsePhi3Config(config));
    const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
    const tensors = specs.map(({ name, shape }) => ({
      name,
      shape: [...shape],
      values: new Float32Array(size(shape)),
    }));
    const folder = TinyFolder.model({ config, tensors });
    const checkpoint = await (await ModelFolder.open(folder.path)).checkpoint();
    const ops = new ReferenceOps();
    const sizes: number[] = [];
    ops.createWeight = (shape, dtype) => ({
      write: (rows) => void sizes.push(rows.length),
      finish: async () => ({ shape, dtype }),
    });
    await loadWeights(ops, checkpoint, specs, 'q4', {});
    assert.ok(sizes.length > 9, 'the embedding came in more than one piece');
    assert.ok(Math.max(...sizes) <= (8 << 20) / 2);
    await checkpoint.close();
    folder.remove();
  });
});
