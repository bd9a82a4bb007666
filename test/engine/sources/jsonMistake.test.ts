import assert from 'node:assert/strict';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { findJsonMistake } from '../../../engine/sources/jsonMistake.ts';

/** Texts with `~` before the character that is wrong. */
const texts = [
  '~',
  '  ~',
  '{"a": 1~',
  '{"a": 1 ~"b": 2}',
  '{"a" ~1}',
  '{"a": 1,~}',
  '{~a: 1}',
  "{~'a': 1}",
  '[1, 2,~]',
  '[1 ~2]',
  '[1,\n ~,2]',
  '{"a": ~NaN}',
  '{"a": ~-Infinity}',
  '{"a": ~True}',
  '{"a": ~nulls}',
  '{"a": ~01}',
  '{"a": ~1.}',
  '{"a": ~.5}',
  '{"a": ~+1}',
  '{"a": 1} ~x',
  '{"a": 1}\n~{"b": 2}',
  '{"a": [1, 2~}}',
  '[{"a": 1~]]',
  '"a~\nb"',
  '"a~\\x"',
  '"a~\\u12g4"',
  '"open~',
  '{"a": 1 ~// comment\n}',
  '~]',
  '[~:]',
  '{"a": "b\\"", "c": ~undefined}',
];

describe('the place of a mistake in JSON', () => {
  for (const marked of texts) {
    it(JSON.stringify(marked), () => {
      const text = marked.replace('~', '');
      assert.throws(() => JSON.parse(text) as unknown);
      const before = marked.slice(0, marked.indexOf('~')).split('\n');
      assert.deepEqual(findJsonMistake(text), { line: before.length, column: before.at(-1)!.length + 1 });
    });
  }

  it('is where V8 finds it, in all cases in which it says where', () => {
    const random = mulberry32(5);
    const whole = JSON.stringify(
      { a: [1.5e3, -2, { b: 'text "\\ \n ü' }], c: null, d: [true, false, [], {}] },
      null,
      1,
    );
    let compared = 0;
    for (let i = 0; i < 5000; i++) {
      const at = Math.floor(random() * whole.length);
      const text = whole.slice(0, at) + '[]{},:"x1-. '[Math.floor(random() * 12)]! + whole.slice(at + 1);
      const position = mistakeOfV8(text);
      if (position === undefined) continue;
      const { line, column } = findJsonMistake(text);
      const [wrongLine, ...more] = text.split('\n').slice(line - 1);
      const place = text.length - [wrongLine, ...more].join('\n').length + column - 1;
      // Of a wrong number, word or escape, V8 gives the character, and we its beginning.
      assert.match(text.slice(place, position), /^[\w.+\\-]*$/, text);
      assert.ok(place <= position);
      compared++;
    }
    assert.ok(compared > 1000, String(compared));
  });

  it('a string of many megabytes', () => {
    assert.deepEqual(findJsonMistake(`{"a": "${'x'.repeat(8e6)}" 1}`), { line: 1, column: 8e6 + 10 });
  });
});

function mistakeOfV8(text: string): number | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? [];
    return position === undefined ? undefined : Number(position);
  }
}
