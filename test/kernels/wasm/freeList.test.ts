import assert from 'node:assert/strict';
import { FreeList } from '../../../kernels/wasm/host/freeList.ts';
import { randomValues } from '../../support/random.ts';

describe('wasm: free list', () => {
  it('hands out no byte twice and forgets nothing', () => {
    const list = new FreeList(64);
    const held = new Map<number, number>();
    const pick = randomValues(3, 4000);
    pick.forEach((value, i) => {
      const bytes = Math.floor(Math.abs(value) * 500) + 1;
      if (value < 0.2 || held.size === 0) held.set(list.allocate(bytes), bytes);
      else {
        const at = [...held.keys()][i % held.size]!;
        held.delete(at);
        list.release(at);
      }
      const places = [...held].sort(([a], [b]) => a - b);
      places.forEach(([at, size], k) => assert.ok(at + size <= (places[k + 1]?.[0] ?? list.end)));
    });
    for (const at of held.keys()) list.release(at);
    assert.deepEqual([list.held, list.end], [0, 64]);
  });
});
