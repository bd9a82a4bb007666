import assert from 'node:assert/strict';
import { rowsOf } from './rowsOf.ts';
import { followUpsIn, ghostTextIn } from './chat.ts';

describe('the benchmark of chats', function () {
  this.timeout(60_000);
  const folder = 'media/starter';

  it('times ghost text beside a chat', async () => {
    const rows = await rowsOf(ghostTextIn({ folder, places: 2, repeat: 1 }));
    assert.deepEqual(
      rows.map(({ situation, keys }) => `${situation}: ${keys}`),
      ['no chat: 2', 'reading a question: 2', 'answering: 2'],
    );
    assert.ok(rows.every(({ median, percentile95 }) => median > 0 && percentile95 >= median));
  });

  it('counts the tokens that follow-up questions prefill', async () => {
    for (const { turn, question, prefilled, reused } of (await rowsOf(followUpsIn(folder))).slice(1)) {
      assert.ok(prefilled < question + 24 && reused > 200, `turn ${turn}: ${prefilled} prefilled, ${reused} reused`);
    }
  });
});
