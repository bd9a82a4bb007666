import assert from 'node:assert/strict';
import { MAX_F32, MOST_TOP_K, type Ops } from '../../kernels/ops.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { createWasmOps } from '../../kernels/wasm/wasmOps.ts';
import { backends, baselineGpu, openedFor } from '../support/engine/backends.ts';
import { assertWithin } from '../support/close.ts';
import { randomValues } from '../support/random.ts';

interface Row {
  readonly name: string;
  readonly cols: number;
  readonly k: number;
  /** Row-major, one row or several. */
  readonly x: Float32Array;
  readonly temperature?: number;
}

const filled = (cols: number, value: (i: number) => number) => Float32Array.from({ length: cols }, (_, i) => value(i));

const table: Row[] = [
  ...[
    [1, 1, 1],
    [3, 1, 5],
    [1, 5, 64],
    [2, 320, 64],
    [7, 257, 3],
    [1, 2049, 256],
    [1, 8193, 40],
    [5, 16390, 17],
    [1, 32064, 64],
    [2, 32064, 1],
    [1, 100352, 256],
  ].map(([rows = 0, cols = 0, k = 0]) => ({
    name: `(${rows}, ${cols}), k ${k}`,
    cols,
    k,
    x: randomValues(cols, rows * cols).map((value) => 10 * value),
    temperature: 0.7,
  })),
  { name: 'few different values: lowest ids first', cols: 20000, k: 100, x: filled(20000, (i) => (i * 7919) % 3) },
  { name: 'all values the same', cols: 9000, k: 64, x: filled(9000, () => 4) },
  { name: 'a tie at the last place, across tasks', cols: 20000, k: 2, x: filled(20000, (i) => +(i % 8192 === 8190)) },
  { name: 'rising: every value is the largest so far', cols: 20011, k: 64, x: filled(20011, (i) => i / 100) },
  { name: 'falling', cols: 20011, k: 64, x: filled(20011, (i) => -i / 100) },
  { name: 'large values, which overflow without care', cols: 500, k: 20, x: filled(500, (i) => 1000 + (i % 77)) },
  {
    name: 'ids that cannot be chosen',
    cols: 9000,
    k: 9,
    x: filled(9000, (i) => (i % 3000 === 5 ? i / 1e3 : -MAX_F32)),
  },
  { name: '-Infinity comes last', cols: 9000, k: 9, x: filled(9000, (i) => (i % 3000 === 5 ? i / 1e3 : -Infinity)) },
  { name: 'a temperature near 0', cols: 300, k: 8, x: randomValues(1, 300), temperature: 1e-38 },
  { name: 'a high temperature', cols: 300, k: 8, x: randomValues(1, 300), temperature: 100 },
];

function run(ops: Ops, { cols, k, x, temperature = 1 }: Row): Promise<Float32Array> {
  return ops.step(() => ops.topK(ops.input(x, [x.length / cols, cols]), k, Math.min(1 / temperature, MAX_F32)));
}

/** Compares ids and values exactly, and logarithms within the error of f32 sums. */
async function assertAsReference(ops: Ops, row: Row): Promise<void> {
  const [got, want] = await Promise.all([run(ops, row), run(new ReferenceOps(), row)]);
  assert.equal(got.length, want.length);
  const kept = Math.min(row.k, row.cols);
  for (let at = 0; at < want.length; at += 2 * kept + 2) {
    const logarithms = at + 2 * kept;
    assert.deepEqual(got.subarray(at, logarithms), want.subarray(at, logarithms));
    assertWithin(got.subarray(logarithms, logarithms + 2), want.subarray(logarithms, logarithms + 2), 1e-5);
  }
}

for (const backend of [...backends, baselineGpu]) {
  describe(`topK on ${backend.name}`, function () {
    this.timeout(60_000);
    const opened = openedFor(backend);

    for (const row of table) it(row.name, () => assertAsReference(opened.ops, row));

    for (const bad of [NaN, Infinity]) {
      it(`shows ${bad}, wherever it stands, in the logarithms`, async () => {
        for (const at of [0, 63, 64, 8191, 8192, 9000]) {
          const x = randomValues(3, 9001);
          x[at] = bad;
          const y = await run(opened.ops, { name: '', cols: 9001, k: 64, x });
          for (const logarithm of y.subarray(-2)) assert.ok(!Number.isFinite(logarithm), `${at}: ${logarithm}`);
        }
      });
    }

    it('refuses a k or temperature out of range', async () => {
      const ask = (k: number, inverse: number) => opened.ops.step(() => opened.ops.topK(x(), k, inverse));
      const x = () => opened.ops.input(new Float32Array(4), [1, 4]);
      for (const k of [0, 1.5, MOST_TOP_K + 1]) await assert.rejects(ask(k, 1), /k is/);
      for (const inverse of [0, NaN, Infinity]) await assert.rejects(ask(1, inverse), /temperature/);
      assert.equal((await ask(1, 1))[0], 0);
    });

    for (const wanted of [false, true]) {
      it(`a step that ${wanted ? 'needs logits returns them behind' : 'does not need logits returns only'} the candidates`, async () => {
        const { ops } = opened;
        const x = randomValues(5, 3 * 33);
        for (let again = 0; again < 3; again++) {
          const seen: number[][] = [];
          const y = await ops.step(() => {
            const logits = ops.lastRows(ops.input(x, [3, 33]), 2);
            const needsLogits = (candidates: Float32Array) => seen.push([...candidates]) > 0 && wanted;
            return { candidates: ops.topK(logits, 1, 1), needsLogits, logits };
          });
          assert.equal(y.length, wanted ? 8 + 66 : 8);
          assert.deepEqual(seen, [[...y.subarray(0, 8)]]);
          if (wanted) assert.deepEqual(y.subarray(8), x.subarray(33));
        }
      });
    }
  });
}

describe('topK on WebAssembly threads', function () {
  this.timeout(60_000);
  for (const simd of ['dot', 'plain'] as const) {
    for (let threads = 1; threads <= 8; threads++) {
      it(`${simd} SIMD, ${threads} threads`, async () => {
        const ops = await createWasmOps({ simd, threads });
        try {
          const before = ops.bytesHeld;
          for (const row of table) await assertAsReference(ops, row);
          assert.equal(ops.bytesHeld, before);
        } finally {
          await ops.dispose();
        }
      });
    }
  }
});
