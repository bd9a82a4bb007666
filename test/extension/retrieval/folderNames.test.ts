import assert from 'node:assert/strict';
import { distinctNames } from '../../../extension/retrieval/folderNames.ts';

describe('names of folders', () => {
  const CASES: [paths: string[], names: string[]][] = [
    [
      ['/shop/app', '/shop/web'],
      ['app', 'web'],
    ],
    [
      ['/shop/app', '/bank/app', '/web'],
      ['shop/app', 'bank/app', 'web'],
    ],
    [
      ['/a/x/app', '/b/x/app', '/b/y/app'],
      ['a/x/app', 'b/x/app', 'y/app'],
    ],
    [
      ['/app', '/b/app'],
      ['/app', 'b/app'],
    ],
    [
      ['/shop/app', '//memfs:/shop/app'],
      ['/shop/app', 'memfs:/shop/app'],
    ],
  ];
  for (const [paths, names] of CASES) {
    it(`${paths.join(', ')}: ${names.join(', ')}`, () => {
      const folders = paths.map((path) => ({ path, name: path.split('/').at(-1)! }));
      assert.deepEqual(distinctNames(folders), names);
    });
  }
});
