import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { airgap } from '../../support/engine/terminal.ts';

describe('airgap search', function () {
  this.timeout(60_000);
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'airgap-search-'));
    for (const [path, content] of [
      [
        'src/garden.ts',
        '/** Waters the beds. */\nexport function waterBeds(litres: number) {\n  return litres * 2;\n}\n',
      ],
      ['orders.sql', Buffer.from('\ufeffcreate table overdue_orders (id int);\r\n', 'utf16le')],
      ['alt.txt', Buffer.from('Die Gr\xf6\xdfe der Beete\n', 'latin1')],
      ['a.bin.txt', Buffer.from([1, 0, 2])],
      ['.env', 'SECRET=1\n'],
      ['src/Core/Engine.cpp', 'void startEngine() {}\n'],
      ['.gitignore', 'core\n'],
    ] as const) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
  });
  after(() => rmSync(root, { recursive: true }));

  const search = async (
    question: string,
  ): Promise<{ hits: { path: string; line: number; text: string }[]; indexed: number; skipped: object[] }> => {
    const { code, stdout, stderr } = await airgap('search', question, '--root', root, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Awaited<ReturnType<typeof search>>;
  };

  for (const [question, path, text] of [
    ['How are the beds watered?', 'src/garden.ts', /waterBeds/],
    ['overdue orders', 'orders.sql', /^create table overdue_orders/],
    ['Größe', 'alt.txt', /Größe der Beete/],
    ['start engine', 'src/Core/Engine.cpp', /startEngine/],
  ] as const) {
    it(`finds ${path} for "${question}"`, async () => {
      const { hits } = await search(question);
      assert.equal(hits[0]?.path, path);
      assert.match(hits[0]!.text, text);
    });
  }

  it('counts and names what is left out', async () => {
    const { indexed, skipped } = await search('beds');
    assert.equal(indexed, 5);
    assert.deepEqual(skipped, [
      { path: '.env', why: 'secret' },
      { path: 'a.bin.txt', why: 'noText' },
    ]);
  });

  it('refuses a folder that is none with one sentence', async () => {
    const { code, stderr } = await airgap('search', 'x', '--root', '/nowhere');
    assert.deepEqual([code, stderr], [1, '/nowhere is not a folder.\n']);
  });
});
