import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { type PutBack, putBack } from '../../support/extension/putBack.ts';

/** Sources that only change with package-lock.json, so that each count below belongs to one text. */
const SOURCES = [
  { name: 'eslint', version: '10.15.0', folder: 'lib', ending: '.js', of: 537, right: 497, wrong: 0 },
  { name: 'openai', version: '7.59.0', folder: 'src', ending: '.ts', of: 236, right: 221, wrong: 1 },
];
/** One file in so many, and only shorter ones, so that it does not take long. */
const EVERY = 8;
const MOST_CHARACTERS = 10_000;

describe('changed declarations put back', function () {
  this.timeout(120_000);

  for (const { name, version, folder, ending, of, right, wrong } of SOURCES) {
    it(`${right} of ${of} of ${name} at least, and at most ${wrong} elsewhere`, () => {
      const root = join('node_modules', name);
      const found = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
      assert.equal(found, version, `these are the counts of ${name} ${version}; count again, then name ${found}`);
      const counts: Record<PutBack, number> = { right: 0, asked: 0, nowhere: 0, wrong: 0 };
      const next = mulberry32(11);
      const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .map((path) => path.replaceAll('\\', '/'))
        .filter((path) => path.endsWith(ending))
        .sort();
      const texts = files
        .filter((_, index) => index % EVERY === 0)
        .map((file) => readFileSync(join(root, folder, file), 'utf8'))
        .filter((text) => text.length <= MOST_CHARACTERS);
      for (const text of texts) for (const { result } of putBack(text, next)) counts[result]++;
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      assert.equal(total, of);
      assert.ok(counts.right >= right && counts.wrong <= wrong, JSON.stringify(counts));
    });
  }
});
