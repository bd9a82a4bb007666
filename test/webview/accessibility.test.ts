/** axe-core finds nothing, in every theme; with AIRGAP_SHOTS=1 there are pictures for people to look at, in dist/shots. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { ChatPage, startChromium } from './chatPage.ts';
import { CONVERSATIONS, EVERYTHING, SUGGESTIONS } from './everything.ts';
import { THEMES, type ThemeName } from './themes.ts';

const SHOTS = 'dist/shots';

describe('accessibility of the page', () => {
  let browser: Browser;
  const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
  before(async () => {
    browser = await startChromium();
    if (process.env.AIRGAP_SHOTS) mkdirSync(SHOTS, { recursive: true });
  });
  after(() => browser.close());

  /** The rules that are broken, and where. */
  async function violations({ page }: ChatPage): Promise<string[]> {
    const { violations: found } = await page.evaluate(() =>
      (window as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run({
        resultTypes: ['violations'],
      }),
    );
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
  }

  async function check(chat: ChatPage, name: string): Promise<void> {
    if (process.env.AIRGAP_SHOTS) await chat.page.screenshot({ path: `${SHOTS}/${name}.png` });
    assert.deepEqual(await violations(chat), []);
  }

  for (const theme of Object.keys(THEMES) as ThemeName[]) {
    it(`nothing to be found: ${theme}`, async () => {
      await using chat = await ChatPage.open(browser, { theme, state: EVERYTHING, width: 420, height: 2400 });
      await chat.page.evaluate(axe);
      await chat.page.click('summary');
      await chat.page.focus('#composer');
      await chat.type('@');
      await chat.say({ type: 'notice', text: 'The conversation was exported.' });
      await chat.say({ type: 'suggestions', request: 1, suggestions: SUGGESTIONS });
      await check(chat, `${theme}, suggestions`);
      await chat.press('Escape');
      await chat.say({
        type: 'engine',
        engine: {
          kind: 'failed',
          text: 'The engine ended.',
          fraction: 0,
          remedies: ['restart', 'chooseModel', 'log'],
          advice: '',
          ...{ place: 'Local only', sent: 'Nothing was sent over a network.', goes: '' },
        },
      });
      await chat.page.click('[data-message="q3"] [aria-label="Edit and resend"]');
      await check(chat, `${theme}, failed, edited`);
      await chat.page.click('.composer .thumbnail');
      await check(chat, `${theme}, picture`);
      await chat.press('Escape');
      await chat.say({
        type: 'engine',
        engine: {
          ...EVERYTHING.engine,
          kind: 'loading',
          text: 'Loading phi-3-mini',
          fraction: 0.4,
          remedies: [],
          advice: '',
        },
      });
      await chat.say({ type: 'conversations', query: '', conversations: CONVERSATIONS });
      await check(chat, `${theme}, conversations`);
    });
  }

  it('the rules are looked at', async () => {
    await using chat = await ChatPage.open(browser, { state: EVERYTHING });
    await chat.page.evaluate(axe);
    await chat.page.evaluate(() => document.querySelector('#composer')!.removeAttribute('aria-label'));
    await chat.page.evaluate(() => document.querySelector('#composer')!.removeAttribute('placeholder'));
    assert.match((await violations(chat)).join('\n'), /^label: /m);
  });
});
