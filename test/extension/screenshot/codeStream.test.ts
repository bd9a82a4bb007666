import assert from 'node:assert/strict';
import { CodeStream } from '../../../extension/screenshot/codeStream.ts';

const PAGE = '<!DOCTYPE html>\n<p>`a`</p>\n';

const CASES: [name: string, answer: string, code: string, furtherBlocks?: number][] = [
  ['a fenced block', `\`\`\`html\n${PAGE}\`\`\``, PAGE],
  ['words in front and behind', `Sure! Here is it:\n\n\`\`\`html\n${PAGE}\`\`\`\nThis is flexbox.\n`, PAGE],
  ['no fence at all', PAGE, PAGE],
  ['no fence, but words in front', `Here is the page:\n${PAGE}`, PAGE],
  ['no opening fence, but a closing one', `${PAGE}\`\`\`\nDone.`, PAGE],
  ['cut off in the middle of a line', '```html\n<p>a</p>\n<di', '<p>a</p>\n<di'],
  ['cut off within the closing fence', '```html\n<p>a</p>\n``', '<p>a</p>\n'],
  ['tildes', '~~~tsx\nconst a = `\n```\n`;\n~~~\n', 'const a = `\n```\n`;\n'],
  ['a longer fence holds a shorter one', '````md\n```sh\nls\n```\n````\n', '```sh\nls\n```\n'],
  ['an indented fence', '  ```html\n  <p></p>\n  ```', '  <p></p>\n'],
  ['blank lines and indentation stay', '```tsx\n\n  a\n\n\tb\n```', '\n  a\n\n\tb\n'],
  ['line ends of Windows', '```html\r\n<p>\r\n</p>\r\n```\r\n', '<p>\n</p>\n'],
  [
    'TypeScript without a fence',
    "import React from 'react';\n\nexport default 1;\n",
    "import React from 'react';\n\nexport default 1;\n",
  ],
  ['words that begin like code', 'Import this into your project.\nconst is a word, too:\n```html\n<p>\n```', '<p>\n'],
  ['further blocks are counted', '```html\n<p>\n```\nCSS:\n```css\np {}\n```\n\n```js\nf();\n', '<p>\n', 2],
  ['no code', 'I cannot see pictures.', ''],
  ['nothing', '', ''],
];

describe('screenshot to code: the code in an answer', () => {
  for (const [name, answer, code, furtherBlocks = 0] of CASES) {
    it(`${name}, in pieces of any size`, () => {
      for (let size = 1; size <= Math.max(1, answer.length); size++) {
        const stream = new CodeStream();
        let given = '';
        for (let at = 0; at < answer.length; at += size) given += stream.push(answer.slice(at, at + size));
        given += stream.end();
        assert.equal(given, code, `pieces of ${size}`);
        assert.equal(stream.code, code);
        assert.equal(stream.furtherBlocks, furtherBlocks);
      }
    });
  }

  it('code is given out as it comes, not line by line', () => {
    const stream = new CodeStream();
    assert.deepEqual(
      ['```ht', 'ml\n<di', 'v cl', 'ass="a">\n  ', '<b>', '\n`', '`` not a fence'].map((part) => stream.push(part)),
      ['', '<di', 'v cl', 'ass="a">\n', '  <b>', '\n', ''],
    );
    assert.equal(stream.end(), '``` not a fence');
  });
});
