import assert from 'node:assert/strict';
import type { Sampling } from '../../../engine/inference/generationTypes.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { Sampler, logSumExp } from '../../../engine/inference/sampler.ts';

const logits = Float32Array.of(1, 3, 2, -Infinity, 0);

/** Share of each id in many draws. */
function shares(sampling: Omit<Sampling, 'seed'>, context: number[] = []): number[] {
  const sampler = new Sampler({ ...sampling, seed: 7 });
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 20000; i++) counts[sampler.pick(logits, context)]!++;
  return counts.map((count) => count / 20000);
}

function softmax(values: readonly number[]): number[] {
  const weights = values.map((value) => Math.exp(value));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/** What `drawn`, a number from 0 to 1, picks: plainly. */
function byRankingAll(row: Float32Array, sampling: Omit<Sampling, 'seed'>, drawn: number): number {
  const { temperature, topK = Infinity, topP = 1, minP = 0 } = sampling;
  const allowed = [...row.keys()].filter((id) => row[id]! > -Infinity);
  const ids = allowed.sort((a, b) => row[b]! - row[a]! || a - b).slice(0, topK);
  const weights = ids.map((id) => Math.exp((row[id]! - row[ids[0]!]!) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kept: number[] = [];
  let reached = 0;
  for (const weight of weights) {
    if (weight < minP || (topP < 1 && reached >= topP * total)) break;
    kept.push(weight);
    reached += weight;
  }
  let left = drawn * reached;
  return ids[kept.findIndex((weight) => (left -= weight) < 0)]!;
}

describe('the sampler', () => {
  const table: [string, Omit<Sampling, 'seed'>, number[]][] = [
    ['temperature 0 is greedy', { temperature: 0 }, [0, 1, 0, 0, 0]],
    ['temperature 1 draws from the softmax', { temperature: 1 }, softmax([1, 3, 2, -Infinity, 0])],
    ['temperature 2 flattens', { temperature: 2 }, softmax([0.5, 1.5, 1, -Infinity, 0])],
    ['top-k 2', { temperature: 1, topK: 2 }, softmax([-Infinity, 3, 2, -Infinity, -Infinity])],
    [
      'top-p keeps the token that crosses',
      { temperature: 1, topP: 0.7 },
      softmax([-Infinity, 3, 2, -Infinity, -Infinity]),
    ],
    ['min-p 0.2', { temperature: 1, minP: 0.2 }, softmax([-Infinity, 3, 2, -Infinity, -Infinity])],
  ];
  for (const [name, sampling, want] of table) {
    it(name, () => {
      shares(sampling).forEach((share, id) =>
        assert.ok(Math.abs(share - want[id]!) < 0.015, `${id}: ${share}, wanted ${want[id]}`),
      );
    });
  }

  describe('with a repetition penalty', () => {
    /** transformers' RepetitionPenaltyLogitsProcessor: score < 0 ? score * penalty : score / penalty. */
    const penalised = (row: readonly number[], seen: readonly number[], penalty: number): number[] =>
      row.map((score, id) => (!seen.includes(id) ? score : score < 0 ? score * penalty : score / penalty));

    const tables: [seen: number[], penalty: number][] = [
      [[1, 4], 2],
      [[0, 1, 2, 3, 4, 1], 1.3],
      [[2], 0.5],
    ];
    for (const [seen, penalty] of tables) {
      it(`${penalty} on ${seen.join()}: the formula of transformers`, () => {
        const want = softmax(penalised([...logits], seen, penalty));
        const got = shares({ temperature: 1, repetitionPenalty: penalty }, seen);
        got.forEach((share, id) => assert.ok(Math.abs(share - want[id]!) < 0.015, `${id}: ${share}`));
      });
    }

    it('greedy choices follow the formula, over everything so far, however long ago', () => {
      const random = mulberry32(1);
      const vocabulary = 40;
      const context = Array.from({ length: 10 }, () => Math.floor(random() * vocabulary));
      const sampler = new Sampler({ temperature: 0, repetitionPenalty: 1.4, seed: 1 });
      for (let step = 0; step < 100; step++) {
        const row = Array.from({ length: vocabulary }, () => Math.fround(random() * 4 - 2));
        const want = penalised(row, context, 1.4);
        // What stands behind `length` is a draft, and counts for nothing.
        const drafted = [...context, row.indexOf(Math.max(...row))];
        const id = sampler.pick(Float32Array.from(row), drafted, context.length);
        assert.equal(id, want.indexOf(Math.max(...want)));
        context.push(id);
      }
      assert.ok(new Set(context).size > 12);
    });

    it('leaves positions of images alone', () => {
      const sampler = new Sampler({ temperature: 0, repetitionPenalty: 9, seed: 1 });
      assert.equal(sampler.pick(logits, [-2, -1]), 1);
    });
  });

  describe('from a vocabulary of 5,000, the same token as by ranking them all', () => {
    const rows = [0.1, 1, 4].map((spread) => {
      const random = mulberry32(3);
      // Some are equal, some are not allowed, and -0 equals 0.
      return Float32Array.from({ length: 5000 }, (_, i) =>
        i % 50 === 7
          ? -Infinity
          : i % 9 === 0
            ? -0
            : i % 9 === 1
              ? 0
              : Math.round(-9 * Math.log(random())) * spread - 20,
      );
    });
    const cases: Omit<Sampling, 'seed'>[] = [
      { temperature: 0.2, topP: 0.9 },
      { temperature: 1, topP: 0.95 },
      { temperature: 3, topP: 0.999 },
      { temperature: 0.7, topK: 20, topP: 0.8 },
      { temperature: 1, topK: 3000 },
      { temperature: 1e-30, topP: 0.5 },
      { temperature: 1e-30, topK: 7 },
      { temperature: 0.8, minP: 0.01 },
    ];
    for (const sampling of cases) {
      it(JSON.stringify(sampling), () => {
        for (const row of rows) {
          const sampler = new Sampler({ ...sampling, seed: 5 });
          const random = mulberry32(5);
          for (let i = 0; i < 12; i++) assert.equal(sampler.pick(row, []), byRankingAll(row, sampling, random()));
        }
      });
    }
  });

  it('the same seed gives the same ids', () => {
    const draw = (seed: number) => {
      const sampler = new Sampler({ temperature: 1, seed });
      return Array.from({ length: 20 }, () => sampler.pick(logits, []));
    };
    assert.deepEqual(draw(5), draw(5));
    assert.notDeepEqual(draw(5), draw(6));
  });

  for (const bad of [
    { temperature: NaN },
    { temperature: 1, topP: 0 },
    { temperature: 1, topK: 1.5 },
    { temperature: 1, minP: 2 },
  ]) {
    it(`refuses ${JSON.stringify(bad)}`, () =>
      assert.throws(() => new Sampler({ ...bad, seed: 1 }), { name: 'BadRequest' }));
  }

  it('logSumExp does not overflow', () => assert.equal(logSumExp(Float32Array.of(1000, 1000)), 1000 + Math.log(2)));
});
