import assert from 'node:assert/strict';
import { type Block, MarkdownReader } from '../../webview/markdown/markdown.ts';
import { mulberry32 } from '../../engine/inference/random.ts';

/** The contents of a block, without the positions of its tokens. */
function written(blocks: readonly Block[]): unknown[] {
  return blocks.map((block) =>
    block.kind === 'code'
      ? { ...block, code: block.code.trimEnd() }
      : block.tokens.map(({ type, tag, content, attrs, children, hidden }) => ({
          ...{ type, tag, content, attrs, hidden },
          children: children?.map((child) => [child.type, child.content, child.attrs]),
        })),
  );
}

function read(text: string, cuts: number[] = []): MarkdownReader {
  const reader = new MarkdownReader();
  for (const cut of cuts) reader.read(text.slice(0, cut));
  reader.read(text);
  return reader;
}

const SAMPLES: Record<string, string> = {
  paragraphs: 'One line\nand another.\n\nSecond *paragraph* with `code` and **strong** words.\n\n---\n\nThird.',
  'a heading that is none': 'text\n#\n\ntext\n#not one\n\n## but this\n',
  'a paragraph that becomes a heading': 'Title\n===\n\nOther\n---\ntext',
  'a paragraph that becomes a table': 'Before:\n\n| a | b |\n|---|:-:|\n| 1 | `2` |\n| 3 | 4 |\n\nafter',
  'lists, tight and loose': '- a\n- b\n  - c\n\n1. one\n\n2. two\n\n   more of two\n3. three\n\nend',
  'code in a list': '1. Run:\n   ```sh\n   npm i\n\n   npm test\n   ```\n2. Done.\n',
  'code blocks': 'See:\n```ts src/a.ts\nconst a = `${1}`;\n```\nand\n~~~\n```\nnot closed by those\n~~~~\nend',
  'code that never ends': 'See:\n````md\n```\ninner\n```\nmore',
  'a file with code of its own':
    'The file:\n```markdown README.md\n# Tool\n\nInstall:\n\n```sh\nnpm i\n```\n\nMIT\n```\n\nThat is all.',
  'a file with code without a language': '```md\nRun:\n```\nnpm i\n```\n\n- so:\n  ```\n  x\n  ```\nMIT\n```\nend',
  'a docstring with code': '```py\ndef f():\n"""\n```python\nf()\n```\n"""\n```\nend',
  'code that ends with a blank line': '```md\n# A\n\n```\n\nend',
  'a file with code that ends before the answer': '```md\nRun:\n```',
  'an indented fence': '  ```js\n  a\n    b\n c\n  ```\nend',
  'a fence that is none': 'text ```inline```\n```also inline``` of the paragraph\nend',
  'indented code': 'text\n\n    four\n\n    blanks\n\nend',
  'quotes with code': '> said\n> ```\n> x\n> ```\nlazy\n\nend',
  'links and definitions':
    '[1]: https://example.com/a\n\nSee [it][1] and https://example.com/b.\n\n[2]: <https://b.example>\n\n[x][2]',
  'other line ends': 'a\r\nb\r\n\r\n```\r\ncode\r\n```\r\nc',
  nothing: '',
  blanks: '\n\n \n',
};

describe('Markdown that grows', () => {
  for (const [name, text] of Object.entries(SAMPLES)) {
    it(`reads the same in pieces as at once: ${name}`, () => {
      const whole = written(read(text).blocks);
      const every = Array.from({ length: text.length }, (_, index) => index);
      assert.deepEqual(written(read(text, every).blocks), whole, 'letter by letter');
      const next = mulberry32(7);
      for (let run = 0; run < 50; run++) {
        const cuts = every.filter(() => next() < 0.2);
        assert.deepEqual(written(read(text, cuts).blocks), whole, JSON.stringify(cuts));
      }
    });
  }

  it('takes a file with code of its own as one block, and says whether its end is there', () => {
    const blocks = (text: string): unknown[] =>
      read(text).blocks.map((block) => (block.kind === 'code' ? [block.code, block.closed] : 'text'));
    assert.deepEqual(blocks(SAMPLES['a file with code of its own']!), [
      'text',
      ['# Tool\n\nInstall:\n\n```sh\nnpm i\n```\n\nMIT\n', true],
      'text',
    ]);
    assert.deepEqual(blocks(SAMPLES['a file with code without a language']!), [
      ['Run:\n```\nnpm i\n```\n\n- so:\n  ```\n  x\n  ```\nMIT\n', true],
      'text',
    ]);
    assert.deepEqual(blocks(SAMPLES['a docstring with code']!), [
      ['def f():\n"""\n```python\nf()\n```\n"""\n', true],
      'text',
    ]);
    assert.deepEqual(blocks(SAMPLES['code that ends with a blank line']!), [['# A\n\n', true], 'text']);
    // The answer was cut inside of the file, or inside of code in it.
    assert.deepEqual(blocks('```md\n# A\n\n```sh\nnpm i\n```\n\nMI'), [['# A\n\n```sh\nnpm i\n```\n\nMI', false]]);
    assert.deepEqual(blocks('```md\n# A\n\n```sh\nnpm i\n'), [['# A\n\n```sh\nnpm i\n', false]]);
    assert.deepEqual(blocks('    indented'), [['indented\n', true]]);
  });

  it('keeps blocks that are settled as they are, and parses the last one only', () => {
    const reader = new MarkdownReader();
    const text = Object.values(SAMPLES).join('\n\n');
    let before: Block[] = [];
    for (let end = 1; end <= text.length; end++) {
      const settled = reader.settled;
      reader.read(text.slice(0, end));
      for (let index = 0; index < settled; index++) assert.equal(reader.blocks[index], before[index]);
      assert.ok(reader.blocks.length - reader.settled <= 2, 'only the end may change');
      before = reader.blocks;
    }
    assert.ok(reader.settled > 20);
  });

  it('settles the greater part of a list and of a paragraph that have grown long', () => {
    for (const line of [
      (n: number) => `${n}. entry ${n}\n`,
      (n: number) => `- entry ${n}\n`,
      (n: number) => `words ${n}\n`,
    ]) {
      const reader = new MarkdownReader();
      let text = '';
      for (let n = 1; n <= 1000; n++) reader.read((text += line(n)));
      assert.ok(reader.settled >= 5, String(reader.settled));
      const found = JSON.stringify(written(reader.blocks)).matchAll(/(?:entry|words) (\d+)/g);
      const numbers = [...new Set([...found].map(([, number]) => Number(number)))];
      assert.deepEqual(
        numbers,
        Array.from({ length: 1000 }, (_, index) => index + 1),
      );
    }
  });

  it('keeps the numbers of a list that was cut', () => {
    const text = Array.from({ length: 300 }, (_, index) => `${index + 1}. entry`).join('\n');
    const reader = new MarkdownReader();
    for (let end = 50; end < text.length; end += 50) reader.read(text.slice(0, end));
    reader.read(text);
    const lists = reader.blocks.map((block) => block.kind === 'tokens' && block.tokens[0]!.attrGet('start'));
    assert.equal(lists[0], null);
    assert.ok(
      lists.slice(1).every((start) => Number(start) > 1),
      String(lists),
    );
  });

  it('does not take half an address for a definition', () => {
    const text = '[1]: https://example.com/long\n\n[x][1]';
    const every = Array.from({ length: text.length }, (_, index) => index);
    assert.match(JSON.stringify(written(read(text, every).blocks)), /example\.com\/long/);
  });

  it('reads a long text in slices that end with a line', () => {
    const reader = new MarkdownReader();
    const text = 'words and words\n\n'.repeat(100);
    let slices = 1;
    while (!reader.read(text, 200)) slices++;
    assert.ok(slices > 5 && slices < 10, String(slices));
    assert.deepEqual(written(reader.blocks), written(read(text).blocks));
  });

  it('starts again with a text that is another', () => {
    const reader = read('one\n\ntwo');
    reader.read('other');
    assert.deepEqual(written(reader.blocks), written(read('other').blocks));
  });

  it('makes links of http and https only, and no images', () => {
    const links = (text: string): unknown[] =>
      read(text).blocks.flatMap((block) =>
        block.kind === 'code'
          ? []
          : block.tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === 'link_open'),
      );
    for (const target of ['https://a.example/x', 'http://a.example'])
      assert.equal(links(`[x](${target})`).length, 1, target);
    for (const target of [
      'command:x',
      'file:///etc',
      'vscode://x',
      'javascript:alert(1)',
      'data:text/html,x',
      '//a.example',
    ])
      for (const text of [`[x](${target})`, `<${target}>`, `[x]: ${target}\n\n[x]`])
        assert.deepEqual(links(text), [], text);
    assert.deepEqual(links('a@b.example <a@b.example> www.example.com [x](mailto:a@b.example)'), []);
    // The part before the @ is shown and may become a link to itself, but never to the other site.
    assert.doesNotMatch(JSON.stringify(links('[x](https://bank.example@evil.example/)')), /evil/);
  });
});
