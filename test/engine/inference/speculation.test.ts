import assert from 'node:assert/strict';
import { LONGEST_MATCH, NgramIndex } from '../../../engine/inference/ngrams.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { PromptLookup, Speculation } from '../../../engine/inference/speculation.ts';

const none = new Set<number>();

describe('drafts', () => {
  const table: [string, number[], number[], Set<number>?][] = [
    ['what followed the same tokens', [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], [4, 5, 6, 7]],
    ['the longest n-gram before the newest', [7, 8, 1, 5, 5, 8, 1, 6, 6, 7, 8, 1], [5, 5, 8, 1]],
    ['the newest of equal ones', [1, 2, 5, 5, 1, 2, 6, 6, 1, 2], [6, 6, 1, 2]],
    ['a period, on and on', [9, 1, 2, 1, 2], [1, 2, 1, 2]],
    ['of one token too', [4, 5, 6, 4], [5, 6, 4, 5]],
    ['nothing new', [1, 2, 3], []],
    ['nothing of a single token', [1], []],
    ['nothing of nothing', [], []],
    ['up to a stop id', [1, 2, 3, 4, 5, 1, 2], [3, 4], new Set([5])],
    ['up to an image', [1, 2, 3, -77, 4, 5, 1, 2], [3]],
    ['nothing where an image follows', [1, 2, -77, 4, 1, 2], []],
  ];
  for (const [name, ids, want, stopIds = none] of table) {
    it(name, () => {
      const index = new NgramIndex(ids);
      const match = index.match();
      assert.deepEqual(match ? index.following(match.position, 4, stopIds) : [], want);
    });
  }

  it('are real matches, nearly always those of a plain search, however long the text grows', () => {
    let same = 0;
    const random = mulberry32(3);
    const start = Array.from({ length: 500 }, () => Math.floor(random() * 8));
    const index = new NgramIndex(start);
    const text = [...start];
    for (let i = 0; i < 4000; i++) {
      const id = Math.floor(random() * 8);
      text.push(id);
      index.push(id);
      const match = index.match()!;
      if (match.position === (lastMatch(text, 3) ?? lastMatch(text, 2) ?? lastMatch(text, 1))) same++;
      const before = text.slice(0, match.position).slice(-match.length);
      assert.deepEqual(before, text.slice(-match.length));
      const longer = match.length < LONGEST_MATCH && text[match.position - match.length - 1];
      assert.notEqual(longer, text[text.length - match.length - 1]);
    }
    assert.ok(same > 0.9 * 4000, `${same} of 4000; the others were displaced`);
  });

  it('after another sequence replaced the first are those of a new index', () => {
    const random = mulberry32(9);
    const index = new NgramIndex();
    let text: number[] = [];
    let matches = 0;
    for (let turn = 0; turn < 300; turn++) {
      // Some of the end goes, and something else comes.
      text = text.slice(0, Math.floor(text.length * (1 - random() / 8)));
      for (let i = 0; i < 20; i++) text.push(Math.floor(random() * 20));
      index.replace(text);
      const [match, anew] = [index.match(), new NgramIndex(text).match()];
      assert.deepEqual(match, anew);
      matches += Number(match !== null);
    }
    assert.ok(matches > 200, `${matches} matches`);
  });

  it('are indexed once: the next turn of a conversation costs only its own tokens', () => {
    const index = new NgramIndex();
    let indexed = 0;
    index.push = (id) => {
      indexed++;
      NgramIndex.prototype.push.call(index, id);
    };
    const conversation = Array.from({ length: 5000 }, (_, i) => i % 777);
    const turn = (tokens: number[]): number => {
      indexed = 0;
      index.replace(tokens);
      return indexed;
    };
    assert.deepEqual(
      [turn(conversation), turn(conversation), turn([...conversation, 1, 2]), turn(conversation.slice(0, 4000))],
      [5000, 0, 2, 0],
    );
    assert.equal(turn([...conversation.slice(0, 3999), 9, 9]), 2);
  });

  it('cost the same in a long text as in a short one', () => {
    const random = mulberry32(4);
    const readsPerToken = (length: number): number => {
      const id = () => Math.floor(random() * 30000);
      return countingReads((reads) => {
        const index = new NgramIndex(Array.from({ length }, id));
        const before = reads();
        for (let i = 0; i < 500; i++) {
          index.push(id());
          index.match();
        }
        return (reads() - before) / 500;
      });
    };
    const [short, long] = [readsPerToken(1000), readsPerToken(131_072)];
    assert.ok(long < 2 * short && long < 100, `${long} reads per token in 128K tokens, ${short} in 1K`);
  });
});

/** Runs `work`, for which the elements that are read from new Int32Arrays are counted. */
function countingReads<T>(work: (reads: () => number) => T): T {
  const original = Int32Array;
  let reads = 0;
  const get = (array: Int32Array, key: string | symbol): unknown => {
    if (typeof key === 'symbol' || Number.isNaN(Number(key))) return Reflect.get(array, key, array);
    reads++;
    return array[Number(key)];
  };
  const counting = function (size?: number) {
    return new Proxy(new original(size ?? 0), { get, set: (array, key, value) => Reflect.set(array, key, value) });
  };
  globalThis.Int32Array = counting as unknown as Int32ArrayConstructor;
  try {
    return work(() => reads);
  } finally {
    globalThis.Int32Array = original;
  }
}

/** Position behind the last earlier place of the last `length` ids. */
function lastMatch(text: readonly number[], length: number): number | undefined {
  const end = text.slice(-length);
  for (let at = text.length - 1; at >= length; at--) {
    if (end.every((id, i) => text[at - length + i] === id)) return at;
  }
  return undefined;
}

describe('speculation', () => {
  /** Passes over a text in which every token is foretold with chance `right`, on a machine where n rows take cost(n). */
  function replay(right: number, cost: (rows: number) => number, tokens = 4000) {
    const random = mulberry32(5);
    const speculation = new Speculation();
    let [time, made, passes, drafted, newest] = [0, 0, 0, 0, 0];
    const draw = (match: number): boolean => {
      const came = random() < right;
      speculation.observe(match, came);
      made++;
      return came;
    };
    for (; made < tokens; passes++) {
      const draft = speculation.draftLength(3, 7);
      time += cost(draft + 1);
      drafted += draft;
      newest = draft;
      speculation.measured(draft + 1, cost(draft + 1));
      for (let i = 0; draw(3 + i) && i < draft; i++);
    }
    return { speed: (made * cost(1)) / time, perPass: made / passes, drafted, newest };
  }

  const free = () => 10;
  const linear = (rows: number) => 10 * rows;
  const eightForTwo = (rows: number) => 10 + (10 / 7) * (rows - 1);
  for (const [name, right, cost, least, most] of [
    ['all right, rows for nothing', 0.99, free, 7, 8],
    ['all right, eight rows for two', 0.99, eightForTwo, 3.5, 4],
    ['half right, rows for nothing', 0.5, free, 1.85, 2.05],
    ['half right, eight rows for two', 0.5, eightForTwo, 1.15, 1.5],
    ['all right, every row its price', 0.99, linear, 0.97, 1.01],
    ['nothing right, eight rows for two', 0, eightForTwo, 0.97, 1.001],
    ['nothing right, every row its price', 0, linear, 0.94, 1.001],
  ] as const) {
    it(`${name}: ${least} to ${most} times the speed of plain decoding`, () => {
      const { speed } = replay(right, cost);
      assert.ok(speed >= least && speed <= most, `${speed}`);
    });
  }

  it('drafts as much as pays, and no more', () => {
    assert.equal(replay(0.99, free).newest, 7);
    // A second row for a tenth, a third for as much as three tokens.
    assert.equal(replay(0.6, (rows) => (rows < 3 ? 10 + rows : 10 * rows)).newest, 1);
  });

  it('switches itself off, tries again now and then, and comes back', () => {
    const speculation = new Speculation();
    const pass = (cost: (rows: number) => number): number => {
      const draft = speculation.draftLength(4, 7);
      speculation.measured(draft + 1, cost(draft + 1));
      for (let i = 0; i < 4; i++) speculation.observe(4, true);
      return draft;
    };
    const drafts = (passes: number, cost: (rows: number) => number) =>
      Array.from({ length: passes }, () => pass(cost)).filter((length) => length > 0).length;
    drafts(200, linear);
    const trials = drafts(1280, linear);
    assert.ok(trials >= 5 && trials <= 11, `${trials} trials`);
    drafts(1500, eightForTwo);
    assert.ok(drafts(100, eightForTwo) >= 95, 'the machine got free, and drafts pay again');
    drafts(500, linear);
    assert.ok(drafts(1000, linear) <= 11);
  });

  it('a first pass, which compiles, does not count', () => {
    const speculation = new Speculation();
    for (const ms of [500, 10]) speculation.measured(1, ms);
    for (const ms of [900, 11]) speculation.measured(2, ms);
    for (let i = 0; i < 100; i++) speculation.observe(5, true);
    assert.equal(speculation.draftLength(5, 1), 1);
  });

  it('knows nothing before it has timed plain decoding', () => {
    assert.equal(new Speculation().draftLength(16, 7), 0);
  });

  it('asks for no more than is left', () => {
    const speculation = new Speculation();
    for (let i = 0; i < 3; i++) [1, 2, 4, 8].forEach((rows) => speculation.measured(rows, 10));
    assert.deepEqual(
      [0, 1, 3, 7, 50].map((most) => speculation.draftLength(16, most)),
      [0, 1, 3, 7, 7],
    );
  });

  it('learns from tokens that were not drafted', () => {
    const speculation = new Speculation();
    for (let i = 0; i < 3; i++) [1, 2, 4, 8].forEach((rows) => speculation.measured(rows, 10 + 2 * rows));
    const drafts = new PromptLookup(speculation);
    const proposed = (all = false) => drafts.propose([], 0, 7, { stopIds: none, all }).length;
    assert.equal(proposed(), 0);
    const random = mulberry32(6);
    // Pairs that are followed by something else each time.
    for (let i = 0; i < 600; i++) [1, 2, 3 + Math.floor(random() * 1000)].forEach((id) => drafts.push(id));
    [1, 2].forEach((id) => drafts.push(id));
    assert.equal(proposed(), 0);
    assert.equal(proposed(true), 7);
    for (let i = 0; i < 200; i++) [10, 11, 12, 13, 14].forEach((id) => drafts.push(id));
    assert.equal(proposed(), 7);
  });
});

describe('drafts of one session', () => {
  it('are those of the generation that asks; an older one that continues indexes its sequence again', () => {
    const speculation = new Speculation();
    const [older, newer] = [new PromptLookup(speculation), new PromptLookup(speculation)];
    const all = { stopIds: none, all: true };
    assert.deepEqual(older.propose([5, 6, 7, 5], 6, 2, all), [7, 5]);
    assert.deepEqual(newer.propose([8, 9], 8, 2, all), [9, 8]);
    older.push(1); // Its sequence is not the one in the index.
    newer.push(9);
    assert.deepEqual(newer.propose([8, 9, 8], 9, 2, all), [8, 9]);
    assert.deepEqual(older.propose([5, 6, 7, 5], 6, 2, all), [7, 5]);
  });
});
