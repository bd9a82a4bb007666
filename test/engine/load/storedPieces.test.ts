import assert from 'node:assert/strict';
import { deinterleave, reorderRows } from '../../../engine/load/rowOrder.ts';
import { compare, storedPieces } from '../../../engine/load/storedPieces.ts';
import { rotaryOrder } from '../../../engine/layers/rope.ts';
import type { Checkpoint } from '../../../engine/sources/checkpoint.ts';

describe('the order of rows in a head', () => {
  it('deinterleave finds each row of the pairs 0, h/2, 1, h/2 + 1, ...', () => {
    const stored = [0, 4, 1, 5, 2, 6, 3, 7]; // Rows of Hugging Face's head in the order of the file.
    assert.deepEqual(
      deinterleave(8).map((row) => stored[row]),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
  });

  it('rotaryOrder brings the pairs of a partial rotation to the first pairs of the kernels', () => {
    // 6 of 8 rotate in the pairs (0, 3), (1, 4), (2, 5); 6 and 7 pass.
    assert.deepEqual(rotaryOrder(8, 6), [0, 1, 2, 6, 3, 4, 5, 7]);
    assert.equal(rotaryOrder(8, 8), undefined);
    for (const [headDim, rotaryDim] of [
      [128, 96],
      [80, 32],
      [16, 2],
    ] as const) {
      const order = rotaryOrder(headDim, rotaryDim)!;
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        Array.from({ length: headDim }, (_, i) => i),
      );
      for (let i = 0; i < rotaryDim / 2; i++)
        assert.deepEqual([order[i], order[i + headDim / 2]], [i, i + rotaryDim / 2]);
    }
  });

  it('reorderRows moves whole rows, head by head', () => {
    const from = Uint8Array.of(0, 0, 1, 1, 2, 2, 10, 10, 11, 11, 12, 12);
    const to = new Uint8Array(from.length);
    reorderRows(from, 2, [2, 0, 1], to);
    assert.deepEqual([...to], [2, 2, 0, 0, 1, 1, 12, 12, 10, 10, 11, 11]);
  });

  it('both orders together: a partial rotation of rows that are stored interleaved', () => {
    const headOrder = rotaryOrder(8, 6)!;
    const spec = {
      name: 'whole',
      shape: [16, 32],
      role: 'matrix',
      parts: [{ name: 'q', rows: 16, headOrder }],
    } as const;
    const q = { shape: [16, 32], dtype: 'F32', bytes: 16 * 128, interleavedHead: 8 } as const;
    const checkpoint: Checkpoint = {
      tensors: new Map([['q', q]]),
      order: ['q'],
      read: async () => {},
      close: async () => {},
    };
    const [piece] = storedPieces(checkpoint, spec);
    const stored = [0, 4, 1, 5, 2, 6, 3, 7];
    assert.deepEqual(
      piece!.headOrder!.map((row) => stored[row]),
      headOrder,
    );
  });

  it('a vector in blocks of codes is refused: its values could not change places', () => {
    const norm = { shape: [32], dtype: 'Q8_0', bytes: 34 } as const;
    const checkpoint: Checkpoint = {
      tensors: new Map([['norm', norm]]),
      order: ['norm'],
      read: async () => {},
      close: async () => {},
    };
    assert.throws(() => compare(checkpoint, [{ name: 'norm', shape: [32], role: 'vector' }]), {
      name: 'BadModel',
      message: 'The tensor norm is a vector in Q8_0; vectors have to be floating-point numbers.',
    });
  });

  it('parts of a whole that is stored lie one after another in it, with their own orders', () => {
    const parts = [
      { name: 'q', rows: 4, headOrder: [1, 0] },
      { name: 'v', rows: 2 },
    ];
    const spec = { name: 'qv', shape: [6, 32], role: 'matrix', parts } as const;
    const stored = { shape: [6, 32], dtype: 'F16', bytes: 6 * 64 } as const;
    const checkpoint: Checkpoint = {
      tensors: new Map([['qv', stored]]),
      order: ['qv'],
      read: async () => {},
      close: async () => {},
    };
    assert.deepEqual(
      storedPieces(checkpoint, spec).map(({ name, from, bytes, headOrder }) => [name, from, bytes, headOrder]),
      [
        ['qv', 0, 256, [1, 0]],
        ['qv', 256, 128, undefined],
      ],
    );
  });
});
