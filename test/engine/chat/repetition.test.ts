import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { RepetitionDetector } from '../../../engine/chat/repetition.ts';
import { wholeUntil } from '../../../engine/chat/wholeUntil.ts';

/** The number of characters after which a text that is streamed in pieces of `size` counts as a repetition. */
function stopsAt(text: string, size = 1): number | undefined {
  const detector = new RepetitionDetector();
  for (let at = 0; at < text.length; at += size) {
    if (detector.push(text.slice(at, at + size))) return Math.min(at + size, text.length);
  }
  return undefined;
}

/** What is kept of an answer that goes on with `loop` again and again. */
function kept(begun: string, loop: string | ((i: number) => string)): string {
  const detector = new RepetitionDetector();
  let text = begun;
  for (let i = 0; !detector.repetition; i++) {
    assert.ok(i < 500, 'not stopped');
    const piece = typeof loop === 'string' ? loop : loop(i);
    if (i === 0) detector.push(begun);
    for (const character of piece) {
      text += character;
      if (detector.push(character)) break;
    }
  }
  return text.slice(0, wholeUntil(text, detector.repetition));
}

const MANUAL = readFileSync('ARCHITECTURE.md', 'utf8').replace(/\s+/g, ' ');
const INTRODUCTION = 'The function works as follows.\n\n';

describe('an answer that repeats itself', () => {
  const passages: [name: string, passage: string][] = [
    ['a sentence', "I'm sorry, but I cannot help you with that. "],
    ['a short sentence', 'It is not what it is. '],
    ['a line of prose', '- The function returns the value.\n'],
    ['two sentences', 'The mutex locks the data. The data is then locked by the mutex.\n\n'],
    ['a paragraph', `${MANUAL.slice(0, 500)}\n\n`],
    ['1,000 tokens', `${MANUAL.slice(0, 4000)}\n`],
    ['a function', 'def add(a, b):\n    """Adds two numbers."""\n    return a + b\n\n'],
    ['a sentence in Chinese', '互斥锁用于保护共享资源不被多个线程同时访问。'],
    ['a sentence in German', 'Die Funktion gibt den größten Wert der Liste zurück. '],
    ['a sentence with an emoji', 'I hope that this helps you a lot! \u{1F600} '],
  ];
  for (const [name, passage] of passages) {
    it(`${name}: stopped within two repetitions`, () => {
      const text = INTRODUCTION + passage.repeat(6);
      // Where the introduction ends as the passage does, or a sentence of it ends, the last copy is not whole.
      const end = INTRODUCTION.length + 3 * passage.length;
      const at = stopsAt(text)!;
      assert.ok(at > end - passage.length - 6 && at <= end, `${at} of ${end}`);
      assert.ok(stopsAt(text, 7)! < end + 7);
      assert.equal(stopsAt(INTRODUCTION + passage.repeat(2)), undefined);
    });
  }

  it('items of a list whose numbers grow: stopped within two repetitions', () => {
    const item = (number: number): string => `${number}. The algorithm sorts the list in place.\n`;
    const items = Array.from({ length: 200 }, (_, i) => item(i + 97));
    assert.ok(stopsAt(items.join(''))! <= items.slice(0, 3).join('').length);
  });

  const items: [item: string, most: number][] = [
    ['**Use a descriptive function name**', 3],
    ['`sort(list)` sorts', 3],
    ['Anise', 8],
  ];
  for (const [item, most] of items) {
    it(`${item} as ${most} items of a numbered list: stopped`, () => {
      const text = Array.from({ length: 100 }, (_, i) => `${i + 1}. ${item}\n`);
      assert.equal(stopsAt(text.join('')), text.slice(0, most).join('').length);
    });
  }

  it('a few sentences in changing order: stopped with the second repetition of one', () => {
    const sentence = (name: string): string =>
      `In this example, the string literal ${name} is a list literal of the str type.\n\n`;
    const [a, b] = [sentence('my_string'), sentence('my_list')];
    for (const order of [
      [a, a, b, a, b, b, a],
      [b, a, b, b, a, a],
    ]) {
      const text = order.join('');
      const third = [...order.entries()].filter(([, each]) => each === order[0]).at(2)![0];
      const end = INTRODUCTION.length + order.slice(0, third + 1).join('').length;
      assert.ok(stopsAt(INTRODUCTION + text)! <= end);
    }
    const parts = [a, b].map((each) => each.trim());
    const inOneLine = [0, 1, 1, 0, 1, 0, 0, 1].map((i) => parts[i]!).join(' ');
    assert.ok(stopsAt(inOneLine)! < inOneLine.length / 1.4);
  });

  const short: [name: string, passage: string, least: number, most: number][] = [
    ['a word', 'very ', 400, 410],
    ['an empty item', '- \n', 1000, 1010],
    ['a digit', '0', 1000, 1010],
    ['a line end', '\n', 1000, 1010],
    ['a short line of code', 'print(f(10))\n', 400, 430],
  ];
  for (const [name, passage, least, most] of short) {
    it(`${name}: stopped once it fills more than a list or a drawing does`, () => {
      const at = stopsAt(`x = ${passage.repeat(2000)}`)!;
      assert.ok(at >= least && at <= most, `${at}`);
    });
  }
});

describe('of an answer that repeats itself', () => {
  const REMOVES = 'It removes what has expired.';
  const [LOCKS, UNLOCKS] = ['The mutex locks the data.', 'The data is then unlocked by the mutex.'];
  const CODE = '```js\nconst a = 1;\n```';
  const INTO = 'This file defines a function `globMatcher` that takes a pattern as an argument';
  const ANOTHER = ' and returns a new function that takes a path as an argument';
  const LANGUAGES = 'To add a language to the list, use this:\n\n```js\nconst languages = [\n  {\n';
  const items = (count: number): string =>
    Array.from({ length: count }, (_, i) => `${i + 1}. Sort the list number ${i}.\n`).join('');
  const cases: [name: string, begun: string, loop: string | ((i: number) => string), kept: string][] = [
    ['a sentence', `${REMOVES} `, `${LOCKS} `, `${REMOVES} ${LOCKS}`],
    ['the first sentence', '', `${LOCKS} `, LOCKS],
    ['a paragraph', `${REMOVES}\n\n`, `${LOCKS} ${UNLOCKS}\n\n`, `${REMOVES}\n\n${LOCKS} ${UNLOCKS}`],
    [
      'two sentences by turns',
      `${REMOVES}\n\n`,
      (i) => `${[LOCKS, UNLOCKS][i % 2]!}\n\n`,
      `${REMOVES}\n\n${LOCKS}\n\n${UNLOCKS}`,
    ],
    [
      'an item',
      'It has three steps.\n\n- Read the file.\n',
      '- Split it into lines and sort these.\n',
      'It has three steps.\n\n- Read the file.\n- Split it into lines and sort these.',
    ],
    [
      'an item without a full stop',
      'Its methods are:\n\n- `add` adds\n',
      '- `remove` takes an entry out of the list\n',
      'Its methods are:\n\n- `add` adds\n- `remove` takes an entry out of the list',
    ],
    [
      'a numbered item',
      items(3),
      (i) => `${i + 4}. The algorithm sorts the list in place.\n`,
      `${items(3)}4. The algorithm sorts the list in place.`,
    ],
    ['short items', 'Herbs are these plants.\n\n', (i) => `${i + 1}. Anise\n`, 'Herbs are these plants.\n\n1. Anise'],
    [
      'behind a code block',
      `Use it like this:\n\n${CODE}\n\n`,
      `${LOCKS} `,
      `Use it like this:\n\n${CODE}\n\n${LOCKS}`,
    ],
    [
      'a code block',
      `${REMOVES} ${LOCKS}\n\n`,
      `${CODE.replace('a = 1', 'answer = computeTheAnswer(1, 2, 3, 4)')}\n\n`,
      `${REMOVES} ${LOCKS}\n\n${CODE.replace('a = 1', 'answer = computeTheAnswer(1, 2, 3, 4)')}`,
    ],
    [
      'in a code block, behind a sentence',
      `${REMOVES} ${LOCKS}\n\n\`\`\`js\nlet a;\n`,
      'a = compute(a, 1, 2);\n',
      `${REMOVES} ${LOCKS}`,
    ],
    [
      'in a code block, behind nothing whole',
      LANGUAGES,
      '    languageId: 1234567890,\n',
      `${LANGUAGES}    languageId: 1234567890,`,
    ],
    ['in a sentence, behind a whole one', `${REMOVES} ${INTO}`, ANOTHER, REMOVES],
    ['in the only sentence', INTO, ANOTHER, `${INTO}${ANOTHER.replace(/ as an argument$/, '')}`],
    ['in a word', 'It is called ', 'npm-test-utils-', 'It is called npm-test-utils-'],
    ['in Chinese', '', '互斥锁用于保护共享资源不被多个线程同时访问。', '互斥锁用于保护共享资源不被多个线程同时访问。'],
  ];
  for (const [name, begun, loop, expected] of cases) {
    it(`${name}: what is kept is whole, without a copy`, () => assert.equal(kept(begun, loop), expected));
  }
});

describe('text that only looks alike', () => {
  const rows = (count: number, row: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => row(i)).join('');
  const texts: [name: string, text: string][] = [
    ['a table', rows(60, (i) => `| row ${i} | ${i * i} | the same words in each row |\n`)],
    ['the rule of a table', `|${'-----------------|'.repeat(12)}\n`],
    ['a list', rows(40, (i) => `- item ${String.fromCharCode(65 + (i % 26))}${i}: to do\n`)],
    [
      'a numbered list',
      rows(40, (i) => `${i + 1}. Take the ${['red', 'green', 'blue'][i % 3]} ball number ${i * 7}.\n`),
    ],
    ['equal calls', 'iterator.next();\n'.repeat(5)],
    ['equal cells', `<tr>\n${'  <td></td>\n'.repeat(8)}</tr>\n`.concat('<tr><th>Sum</th></tr>\n')],
    ['closing brackets', `${'  }\n'.repeat(20)}`],
    ['zeros', `const zeros = [${'0, '.repeat(256)}0];`],
    ['a drawing', rows(16, (i) => `|${' '.repeat(i)}*${' '.repeat(40)}|\n`)],
    ['a box', `+${'-'.repeat(78)}+\n${`|${' '.repeat(78)}|\n`.repeat(10)}+${'-'.repeat(78)}+\n`],
    ['a banner', `${'='.repeat(120)}\n${'#'.repeat(200)}\n`],
    ['a quote twice', `${MANUAL.slice(0, 600)}\n`.repeat(2)],
    ['cases of a switch', rows(30, (i) => `    case ${i}:\n      return handle(${i});\n`)],
    ['similar tests', rows(30, (i) => `it('adds ${i}', () => assert.equal(add(${i}, 1), ${i + 1}));\n`)],
    ['a quiz', rows(20, (i) => `${i + 1}. ${i % 7 === 6 ? 'False' : 'True'}\n`)],
    [
      'a documentation whose parameters mean the same',
      rows(6, (i) => `value${i} : array\n    This parameter has the same meaning as in the function above.\n\n`),
    ],
    ['a song', 'Row, row, row your boat\nMerrily, merrily, merrily, merrily\nLife is but a dream\n\n'.repeat(2)],
  ];
  for (const [name, text] of texts) it(`${name} is not stopped`, () => assert.equal(stopsAt(text), undefined));

  it('no source file and no document of this repository is stopped', () => {
    const files = globSync('{engine,extension,webview,kernels,media,test,.ci}/**/*.{ts,tsx,mjs,md,css,py}').concat(
      globSync('*.md'),
    );
    assert.ok(files.length > 500);
    const stopped = files.filter((file) => stopsAt(readFileSync(file, 'utf8')) !== undefined);
    assert.deepEqual(stopped, []);
  }).timeout(60_000);
});
