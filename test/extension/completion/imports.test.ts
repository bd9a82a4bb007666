import assert from 'node:assert/strict';
import { importsOf, signaturesFor } from '../../../extension/completion/imports.ts';
import { signatureOf } from '../../../extension/completion/signatures.ts';

describe('what a file imports', () => {
  const CASES: [languageId: string, text: string, names: string[], candidate: string | undefined][] = [
    ['typescript', "import { a, type B as C } from './x.ts';", ['a', 'B'], '/p/src/x.ts'],
    ['typescript', "import {\n  a,\n  b,\n} from '../y';", ['a', 'b'], '/p/y.ts'],
    ['typescript', "import Plant from './plant';", ['Plant'], '/p/src/plant/index.ts'],
    ['typescript', "export * from './all.js';", [], '/p/src/all.ts'],
    ['javascript', "const { a } = require('./x');", ['a'], '/p/src/x.js'],
    ['python', 'from .garden import Plant, Bed as B  # both', ['Plant', 'Bed'], '/p/src/garden.py'],
    ['python', 'from ..garden import (\n    Plant,\n    Bed,\n)', ['Plant', 'Bed'], '/p/garden.py'],
    ['python', 'from shop.garden import Plant', ['Plant'], '/p/shop/garden/__init__.py'],
  ];
  for (const [languageId, text, names, candidate] of CASES) {
    it(`${languageId}: ${JSON.stringify(text)}`, () => {
      const [found] = importsOf(text, '/p/src/main.x', '/p', languageId);
      assert.deepEqual(found!.names, names);
      assert.ok(found!.candidates.includes(candidate!), found!.candidates.join(' '));
    });
  }

  it('packages, what lies outside of the folder, and other languages are left out', () => {
    assert.deepEqual(importsOf("import { a } from 'react';", '/p/a.ts', '/p', 'typescript'), []);
    for (const text of ["import { a } from '../../other/b';", "import { a } from '../../pq/b';"])
      assert.deepEqual(importsOf(text, '/p/src/a.ts', '/p', 'typescript'), []);
    assert.deepEqual(importsOf('from ...other import a', '/p/src/a.py', '/p', 'python'), []);
    assert.deepEqual(importsOf('use crate::a;', '/p/a.rs', '/p', 'rust'), []);
  });

  it('signatures come from the file that declares a name, by way of files that pass it on', async () => {
    const files: Record<string, string> = {
      '/p/index.ts': "export * from './plant.ts';\nexport { Bed } from './bed.ts';",
      '/p/plant.ts': 'export interface Plant {\n  name: string;\n}\n',
      '/p/bed.ts': 'export class Bed {\n  add(plant: Plant): void {\n    this.x();\n  }\n}\n',
    };
    const text = "import { Bed, Plant, missing } from './index.ts';\nimport { x } from './nowhere.ts';";
    const found = await signaturesFor(text, '/p/a.ts', '/p', 'typescript', async (path) => files[path]);
    assert.deepEqual(found, [
      { path: 'bed.ts', text: 'export class Bed\n  add(plant: Plant): void' },
      { path: 'plant.ts', text: 'export interface Plant\n  name: string;' },
    ]);
  });
});

describe('the signature of a declaration', () => {
  const CASES: [name: string, text: string, signature: string][] = [
    [
      'f',
      'export function f(\n  a: number,\n  b = "(",\n): string {\n  return 1;\n}\n',
      'export function f(a: number, b = "("): string',
    ],
    ['f', 'export const f = (a: number): string => {\n  x();\n};', 'export const f = (a: number): string'],
    ['N', 'const M = 1;\nexport const N = 2;\n', 'export const N = 2;'],
    ['T', "export type T = 'a' | 'b';\n", "export type T = 'a' | 'b';"],
    [
      'A',
      'class A(B):\n    """It\n    is."""\n\n    x = 1\n\n    def f(self, a,\n          b):\n        return a\n\n\nclass C:\n    y = 1\n',
      'class A(B):\n    x = 1\n    def f(self, a, b):',
    ],
    ['LIMIT', 'LIMIT: int = 5\n', 'LIMIT: int = 5'],
    ['f', 'g = f(1)\n', ''],
    ['$x', 'const $x = 1;', 'const $x = 1;'],
  ];
  for (const [name, text, signature] of CASES) {
    it(`${name} of ${JSON.stringify(text)}`, () => assert.equal(signatureOf(name, text), signature));
  }
});
