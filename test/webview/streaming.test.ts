/** Tests which elements are rendered again while an answer grows. test/bench/page.ts measures how long it takes. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { ChatPage, message, startChromium } from './chatPage.ts';

const PARAGRAPHS = Array.from({ length: 30 }, (_, n) => `Paragraph ${n} with *some* words.\n\n`).join('');
const CODE = `\`\`\`ts\n${Array.from({ length: 5000 }, (_, n) => `const value${n} = ${n}; // one\n`).join('')}`;

describe('an answer that grows', () => {
  let browser: Browser;
  before(async () => (browser = await startChromium()));
  after(() => browser.close());

  const writing = (text: string) => ({ messages: [message('q1', 'x'), message('a1', text, { status: 'writing' })] });

  /** Which of the elements (`selector`) the browser changes while `text` comes as one part. */
  async function changed(chat: ChatPage, selector: string, text: string): Promise<number[]> {
    await chat.page.evaluate((of) => {
      const touched = new Set<Element | null>();
      const observer = new MutationObserver((records) => {
        for (const { target, addedNodes } of records) {
          const element = target instanceof Element ? target : target.parentElement;
          touched.add(element!.closest(of));
          for (const node of Array.from(addedNodes)) if (node instanceof Element && node.matches(of)) touched.add(node);
        }
      });
      observer.observe(document.querySelector('.messages')!, { childList: true, characterData: true, subtree: true });
      Object.assign(window, {
        touched: () => {
          observer.disconnect();
          return Array.from(touched, (element) => Array.from(document.querySelectorAll(of)).indexOf(element!)).filter(
            (at) => at >= 0,
          );
        },
      });
    }, selector);
    await chat.say({ type: 'part', messageId: 'a1', text });
    return chat.page.evaluate(() => (window as unknown as { touched(): number[] }).touched());
  }

  it('changes its last block only', async () => {
    await using chat = await ChatPage.open(browser, { state: writing(`${PARAGRAPHS}The last`) });
    assert.deepEqual(await changed(chat, '.block', ' one'), [30]);
    assert.deepEqual(await changed(chat, '.block', ' grows.\n\nNew'), [30, 31]);
    assert.deepEqual(await changed(chat, '.block', ' block'), [31]);
    assert.match((await chat.page.locator('.block').last().textContent())!, /^New block$/);
  });

  it('changes the last piece of code only, among thousands of lines', async () => {
    await using chat = await ChatPage.open(browser, { state: writing('') });
    await chat.say({ type: 'part', messageId: 'a1', text: CODE });
    const coloured = (length: number) =>
      document.querySelector('code')!.textContent!.length === length &&
      !document.querySelector('.piece:not(:has(.hljs-keyword))');
    await chat.page.waitForFunction(coloured, CODE.length - '```ts\n'.length);
    const pieces = await chat.page.locator('.piece').count();
    assert.deepEqual(await changed(chat, '.piece', 'const more = 1;\n'), [pieces - 1]);
    assert.equal(await chat.page.getByLabel('Copy code').count(), 0, 'half a block is only read');
    const text = await chat.page.locator('code').textContent();
    assert.equal(`\`\`\`ts\n${text}`, `${CODE}const more = 1;\n`);
  });

  it('draws many parts once per frame', async () => {
    await using chat = await ChatPage.open(browser, { state: writing('') });
    const frames = await chat.page.evaluate(async () => {
      let changes = 0;
      const observer = new MutationObserver(() => changes++);
      observer.observe(document.querySelector('.messages')!, { childList: true, characterData: true, subtree: true });
      for (let part = 0; part < 200; part++)
        window.postMessage({ type: 'part', messageId: 'a1', text: `word ${part} ` }, '*');
      while (!document.querySelector('.block')?.textContent.includes('word 199'))
        await new Promise((done) => requestAnimationFrame(done));
      return changes;
    });
    assert.ok(frames < 60, `${frames} changes for 200 parts`);
  });

  it('stays at its end, until the user goes up', async () => {
    await using chat = await ChatPage.open(browser, { state: writing(PARAGRAPHS), height: 500 });
    const distance = () =>
      chat.page.evaluate(() => {
        const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.messages')!;
        return scrollHeight - scrollTop - clientHeight;
      });
    await chat.say({ type: 'part', messageId: 'a1', text: PARAGRAPHS });
    await chat.frame();
    assert.ok((await distance()) < 2);
    await chat.page.hover('.messages');
    await chat.page.mouse.wheel(0, -300);
    await chat.page.getByText('Scroll to end').waitFor();
    const before = await chat.page.evaluate(() => document.querySelector('.messages')!.scrollTop);
    await chat.say({ type: 'part', messageId: 'a1', text: PARAGRAPHS });
    assert.equal(await chat.page.evaluate(() => document.querySelector('.messages')!.scrollTop), before);
    await chat.page.getByText('Scroll to end').click();
    await chat.frame();
    assert.ok((await distance()) < 2);
  });

  it('is read out sentence by sentence', async () => {
    await using chat = await ChatPage.open(browser, { state: writing('') });
    for (const text of ['The first ', 'sentence. And', ' half'])
      await chat.say({ type: 'part', messageId: 'a1', text });
    assert.deepEqual(await chat.spoken(), ['The first sentence.']);
    await chat.say({ type: 'message', message: message('a1', 'The first sentence. And half of it') });
    assert.deepEqual(await chat.spoken(), ['The first sentence.', 'And half of it', 'Answer complete']);
  });

  it('shows a thousand messages, the newest first', async () => {
    const messages = Array.from({ length: 1000 }, (_, n) => message(n % 2 ? `a${n}` : `q${n}`, `Message **${n}**`));
    await using chat = await ChatPage.open(browser, { state: { messages } });
    assert.ok(await chat.page.locator('[data-message=a999]').isVisible());
    await chat.page.waitForFunction(() => document.querySelectorAll('article').length === 1000);
    assert.equal(await chat.page.locator('article').first().getAttribute('data-message'), 'q0');
    await chat.frame();
    assert.ok(await chat.page.locator('[data-message=a999]').isVisible());
  });
});
