import assert from 'node:assert/strict';
import { type Layout, UNNAMED, layOut } from '../../../kernels/wasm/host/layout.ts';
import type { Entry } from '../../../kernels/wasm/host/operation.ts';
import type { Storage } from '../../../kernels/wasm/host/tensor.ts';
import { BY_EVERY_THREAD, Opcode } from '../../../kernels/wasm/opcodes.ts';

/** A chain of operations, each of which reads what the one before has written. The host writes the first, reads the last. */
interface Chain {
  readonly bytes?: number;
  readonly length?: number;
  readonly grain?: number;
  readonly scratch?: number;
  readonly bank?: number;
  readonly isWritten?: boolean;
}

function layoutOf(chain: Chain, before?: Layout): Layout {
  const { bytes = 64, length = 4, grain = 1, scratch = 0, bank = 0, isWritten = true } = chain;
  const storages = Array.from({ length: length + 1 }, (_, i): Storage => {
    const initial = isWritten && i === 0 ? new Float32Array(bytes / 4) : undefined;
    return { bytes, address: -1, bank, program: {}, initial, order: UNNAMED };
  });
  const entries = storages.slice(1).map((to, i): Entry => {
    const named = [storages[i]!, to];
    return { bank, storages: named, operation: { opcode: Opcode.gelu, items: 1, grain, words: named, scratch } };
  });
  return layOut(entries, [storages.at(-1)!], before).layout;
}

describe('the layout of a step', () => {
  it('gives a tensor the place of one that is no longer read', () => {
    assert.deepEqual(layoutOf({}).places, [0, 64, 0, 64, 0]);
    const { operations, tensorBytes } = layoutOf({}).needs.get(0)!;
    assert.deepEqual({ operations, tensorBytes }, { operations: 4, tensorBytes: 128 });
  });

  it('keeps the place of what a thread may still be reading', () => {
    assert.deepEqual(layoutOf({ grain: BY_EVERY_THREAD, length: 2 }).places, [0, 64, 128]);
  });

  it('is that of the step before where everything is the same', () => {
    const before = layoutOf({});
    assert.equal(layoutOf({}, before), before);
  });

  for (const other of [
    { bytes: 128 },
    { length: 5 },
    { grain: BY_EVERY_THREAD },
    { scratch: 256 },
    { bank: 1 },
    { isWritten: false },
  ]) {
    it(`is another where ${Object.keys(other)[0]} differs`, () => {
      assert.deepEqual(layoutOf(other, layoutOf({})), layoutOf(other));
      assert.notDeepEqual(layoutOf(other).form, layoutOf({}).form);
    });
  }
});
