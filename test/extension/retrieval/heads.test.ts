import assert from 'node:assert/strict';
import { headsOf } from '../../../extension/retrieval/heads.ts';

const CASES: readonly {
  readonly name: string;
  readonly text: string;
  readonly symbol: string;
  readonly question: string;
  readonly heads: readonly string[];
}[] = [
  {
    name: 'a method, with its class and its decorator, without its body',
    symbol: 'Bed, count',
    text: 'class Bed:\n    size = 3\n\n    @property\n    def count(self) -> int:\n        return len(self.plants)\n',
    question: 'How many plants does it count?',
    heads: ['class Bed:\n    @property\n    def count(self) -> int:', 'class Bed:'],
  },
  {
    name: 'a signature of several lines',
    symbol: 'water',
    text: 'export function water(\n  bed: Bed,\n  litres: number,\n): void {\n  bed.wet += litres;\n}\n',
    question: 'water a bed',
    heads: ['export function water(\n  bed: Bed,\n  litres: number,\n): void {'],
  },
  {
    name: 'the two of three that share most with the question',
    symbol: 'open, close, water',
    text: 'def open():\n    pass\n\ndef close():\n    pass\n\ndef water(bed):\n    pass\n',
    question: 'close a bed',
    heads: ['def close():', 'def water(bed):'],
  },
  {
    name: 'a comment in front, but no empty one',
    symbol: 'a, b',
    text: '// Begins with a.\nconst a = () => 1;\n/**\n *\n */\nconst b = () => 2;\n',
    question: 'begins',
    heads: ['// Begins with a.\nconst a = () => 1;', 'const b = () => 2;'],
  },
  {
    name: 'the lines with the words, where nothing is declared',
    symbol: '',
    text: Array.from({ length: 12 }, (_, i) => (i === 8 ? 'Water the beds at night.' : `line ${i}`)).join('\n'),
    question: 'When are beds watered?',
    heads: ['line 5\nline 6\nline 7\nWater the beds at night.\nline 9\nline 10'],
  },
];

describe('what a model reads of a hit', () => {
  for (const { name, text, symbol, question, heads } of CASES) {
    it(name, () => {
      const [found] = headsOf([{ path: 'a.py', text, symbol }], question);
      assert.deepEqual(
        found,
        heads.map((head) => `# a.py\n${head}\n    """`),
      );
    });
  }

  it('is cut in the middle where it is long', () => {
    const text = `def long(${'argument, '.repeat(100)}last):\n    pass\n`;
    const [[head]] = headsOf([{ path: 'a.py', text, symbol: 'long' }], 'long') as [[string]];
    assert.ok(head.length < 320 && head.includes('def long(') && head.includes('…') && head.includes('last):'));
  });
});
