import assert from 'node:assert/strict';
import type { Hit, ProjectSearch } from '../../../extension/retrieval/projectSearch.ts';
import { type Likelihoods, RereadingSearch } from '../../../extension/retrieval/rereadingSearch.ts';

const hit = (path: string, score: number): Hit => {
  const text = `def ${path}():\n    pass`;
  return { uri: `file:///${path}`, path, firstLine: 1, lastLine: 2, text, symbol: path, score };
};
const ALIKE = [hit('a', 3), hit('b', 2.9), hit('c', 2.8), hit('d', 2.7)];
const MANY = Array.from({ length: 30 }, (_, i) => hit(`f${i}`, 30 - i));
const IN_ORDER = MANY.map(({ path }) => path).join('');

/** The model says -1 for what declares `name`, and -3 for the rest. */
function prefers(name: string, most = Infinity): Likelihoods {
  return async ({ beginnings }) => beginnings.slice(0, most).map((each) => (each.includes(`def ${name}(`) ? -1 : -3));
}

function searchWith(hits: readonly Hit[], likelihoods: Likelihoods): { search: RereadingSearch; log: string[] } {
  const log: string[] = [];
  const plain: ProjectSearch = {
    status: '',
    onDidChangeStatus: () => ({ dispose: () => {} }),
    search: async (_, { limit }) => hits.slice(0, limit),
  };
  return { search: new RereadingSearch(plain, { model: { likelihoods }, log: (message) => log.push(message) }), log };
}

interface Case {
  readonly name: string;
  readonly hits: readonly Hit[];
  readonly likelihoods: Likelihoods;
  readonly limit?: number;
  readonly question?: string;
  readonly found: string;
  readonly log?: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: 'what the question goes with comes first',
    hits: ALIKE,
    likelihoods: prefers('c'),
    found: 'cabd',
    log: /4 of 4/,
  },
  {
    name: 'also where it was beyond the limit',
    hits: ALIKE,
    likelihoods: prefers('d'),
    limit: 2,
    found: 'da',
    log: /4 of 4/,
  },
  {
    name: 'what is far better by its words stays first',
    hits: [hit('a', 30), hit('b', 1), hit('c', 1)],
    likelihoods: prefers('c'),
    found: 'acb',
    log: /3 of 3/,
  },
  {
    name: 'places for which there was no time stay behind',
    hits: ALIKE,
    likelihoods: prefers('b', 2),
    found: 'bacd',
    log: /2 of 4/,
  },
  {
    name: 'places behind the first 20 are not read',
    hits: MANY,
    likelihoods: prefers('f25'),
    found: IN_ORDER,
    log: /20 of 30/,
  },
  { name: 'without a model nothing changes', hits: ALIKE, likelihoods: async () => [], found: 'abcd' },
  {
    name: 'nor by a model that fails',
    hits: ALIKE,
    likelihoods: () => Promise.reject(new Error('Gone.')),
    found: 'abcd',
    log: /Gone\./,
  },
  {
    name: 'a long question is not asked',
    hits: ALIKE,
    likelihoods: () => assert.fail(),
    question: 'word '.repeat(200),
    found: 'abcd',
  },
];

describe('a search that a model rereads', () => {
  const { signal } = new AbortController();
  for (const { name, hits, likelihoods, limit = hits.length, question = 'q', found, log: logged } of CASES) {
    it(name, async () => {
      const { search, log } = searchWith(hits, likelihoods);
      const paths = (await search.search(question, { limit, signal })).map(({ path }) => path);
      assert.equal(paths.join(''), found);
      if (logged) assert.match(log.join('\n'), logged);
      else assert.deepEqual(log, []);
    });
  }

  it('ends with the signal, without a word', async () => {
    const stop = new AbortController();
    const { search, log } = searchWith(ALIKE, async () => {
      stop.abort();
      throw new Error('cancelled');
    });
    await assert.rejects(search.search('q', { limit: 3, signal: stop.signal }), { name: 'AbortError' });
    assert.deepEqual(log, []);
  });
});
