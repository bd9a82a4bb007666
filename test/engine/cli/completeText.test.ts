import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { airgap } from '../../support/engine/terminal.ts';

describe('airgap complete --text', function () {
  this.timeout(60_000);
  const file = join(tmpdir(), `airgap-place-${process.pid}.py`);
  before(() => writeFileSync(file, 'def f(x):\n    """"""\n'));
  after(() => rmSync(file));

  const CASES: [name: string, place: string, text: string, shown: object][] = [
    ['shown as it is', '2:8', 'Return the "best".', { text: 'Return the "best".', why: '' }],
    [
      'cut by a rule',
      '2:8',
      'Return it."""\n    return x',
      { text: 'Return it.', why: 'what closes the bracket or string follows the cursor' },
    ],
    ['nothing', '1:3', 'x', { text: '', why: 'nothing is completed at such a place' }],
  ];
  for (const [name, place, text, shown] of CASES) {
    it(`says what is shown, without a model: ${name}`, async () => {
      const json = await airgap('complete', `${file}:${place}`, '--text', text, '--json');
      assert.deepEqual(JSON.parse(json.stdout), shown, json.stderr);
    });
  }

  it('prints the text alone, and an empty line for nothing', async () => {
    const { stdout } = await airgap('complete', `${file}:1:3`, '--text', 'x');
    assert.equal(stdout, '\n');
  });
});
