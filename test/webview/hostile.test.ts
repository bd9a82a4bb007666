/** Whatever a model writes, or a file is called: nothing runs, nothing is loaded, and links lead only where they may. */
import assert from 'node:assert/strict';
import createMarkdownIt from 'markdown-it';
import type { Browser, Page } from 'playwright-core';
import type { Chip, FromPage, PageMessage, SourceLink, Suggestion } from '../../webview/protocol.ts';
import { HOSTILE, HOSTILE_NAMES } from '../fixtures/hostileMarkdown.ts';
import { ChatPage, emptyState, message, startChromium } from './chatPage.ts';

const OUR_FILES = ['http://airgap.test/', 'http://airgap.test/chat.css', 'http://airgap.test/chat.js'];

/** A colour that would be more than that. */
const COLOR = { color: 'red;} * { background: url(https://evil.example/40) }' };

/** All that messages are made of: elements and their attributes. */
const ALLOWED: Record<string, string> = {
  article: 'class data-message aria-labelledby aria-busy',
  h2: 'id class',
  div: 'class dir role aria-label',
  span: 'class dir style role aria-label',
  pre: 'tabindex role aria-label',
  code: 'dir',
  button: 'type class aria-label title',
  svg: 'class viewBox aria-hidden focusable',
  path: 'd',
  a: 'href title rel',
  ol: 'start',
  ul: 'class aria-label',
  li: 'class title',
  th: 'class',
  td: 'class',
  bdi: 'class',
  ...Object.fromEntries(
    'p strong em s blockquote table thead tbody tr hr br h3 h4 h5 h6 details'.split(' ').map((tag) => [tag, 'class']),
  ),
  summary: '',
};

describe('hostile answers', () => {
  let browser: Browser;
  before(async () => (browser = await startChromium()));
  after(() => browser.close());

  /** Fails where something ran, left, or stands in the page that must not. */
  async function assertHarmless(chat: ChatPage): Promise<void> {
    await chat.frame();
    assert.deepEqual(await chat.page.evaluate(strangers, ALLOWED), []);
    assert.equal(await pwnedTimes(chat.page), 0);
    assert.equal(chat.dialogs, 0);
    assert.deepEqual(chat.requests, OUR_FILES);
    assert.deepEqual(chat.complaints, []);
    assert.equal(chat.page.url(), OUR_FILES[0]);
    assert.equal(await chat.page.title(), 'Airgap chat');
  }

  const open = async (messages: PageMessage[]): Promise<ChatPage> => {
    const chat = await ChatPage.open(browser, { state: { messages } });
    await chat.page.evaluate(watch);
    return chat;
  };
  const answers = HOSTILE.map((text, index) => message(`a${index}`, text));

  it('there are more than a hundred', () =>
    assert.ok(new Set(HOSTILE).size === HOSTILE.length && HOSTILE.length > 150));

  it('whole', async () => {
    await using chat = await open([]);
    await chat.say({ type: 'state', state: { ...emptyState(), messages: answers } });
    await chat.page.waitForFunction((count) => document.querySelectorAll('article').length === count, answers.length);
    await assertHarmless(chat);
    const text = await chat.page.evaluate(() => document.querySelector('.messages')!.textContent!);
    for (const seen of ['<script>pwned()</script>', '[x](javascript:pwned())', 'x (https://evil.example/33.png)']) {
      assert.ok(text.includes(seen), `${seen} is shown as text`);
    }
  });

  it('in pieces, each drawn', async () => {
    await using chat = await open([message('q1', 'x')]);
    await chat.page.evaluate(async (texts) => {
      const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const say = (said: unknown) => window.postMessage(said, '*');
      for (const [index, text] of texts.entries()) {
        const id = `a${index}`;
        say({ type: 'message', message: { id, role: 'assistant', text: '', status: 'writing' } });
        const size = Math.ceil(text.length / 3);
        for (let at = 0; at < text.length; at += size) {
          say({ type: 'part', messageId: id, text: text.slice(at, at + size) });
          await frame();
        }
        say({ type: 'message', message: { id, role: 'assistant', text, status: 'done' } });
      }
    }, HOSTILE);
    await assertHarmless(chat);
    assert.equal(await chat.page.locator('article.assistant').count(), HOSTILE.length);
  });

  it('links: a click asks the host, with http and https only, and goes nowhere by itself', async () => {
    await using chat = await open(answers);
    await chat.page.waitForFunction((count) => document.querySelectorAll('article').length === count, answers.length);
    const links = await chat.page.evaluate(() => {
      const all = Array.from(document.querySelectorAll<HTMLElement>('.messages a'));
      for (const link of all) {
        link.click();
        link.dispatchEvent(new MouseEvent('auxclick', { bubbles: true, cancelable: true, button: 1 }));
      }
      return all.length;
    });
    const posted = (await chat.posted()) as Extract<FromPage, { type: 'openLink' }>[];
    assert.ok(links >= 5, String(links));
    assert.equal(posted.length, links);
    for (const { type, href } of posted) assert.match(`${type} ${href}`, /^openLink https?:\/\/[a-z.]+(\/|$)/);
    await assertHarmless(chat);
  });

  it('names of files, titles and notes', async () => {
    await using chat = await open([]);
    const all = HOSTILE_NAMES.join(' ');
    const chips = HOSTILE_NAMES.map((name): Chip => ({
      id: name,
      kind: 'file',
      label: name,
      detail: name,
      cut: name,
      uri: name,
      line: 1,
    }));
    const sources = HOSTILE_NAMES.map((name): SourceLink => ({ name, uri: name, lines: [[1, 2]], totalLines: 9 }));
    const messages = HOSTILE_NAMES.flatMap((name) => [
      message(`q${name}`, name, { chips }),
      message(`a${name}`, name, { status: 'failed', problem: name, figures: name, sources }),
    ]);
    await chat.say(
      {
        type: 'state',
        state: {
          ...{ ...emptyState(), conversationId: all, title: all, messages, chips },
          contextUse: { used: 9, limit: 1, note: all },
          engine: {
            kind: 'failed',
            text: all,
            fraction: 0,
            remedies: ['log'],
            advice: all,
            place: all,
            sent: all,
            goes: all,
          },
          texts: { 'Copy message': all },
        },
      },
      { type: 'notice', text: all },
      { type: 'colors', colors: Object.fromEntries([...HOSTILE_NAMES, 'keyword'].map((name) => [name, COLOR])) },
    );
    await chat.type('@');
    const [asked] = (await chat.posted()).filter(({ type }) => type === 'suggest') as { request: number }[];
    const suggestions = HOSTILE_NAMES.map((name): Suggestion => ({
      id: name,
      insert: name,
      label: name,
      detail: name,
      kind: 'file',
      more: false,
    }));
    await chat.say({ type: 'suggestions', request: asked!.request, suggestions });
    assert.equal(await chat.page.locator('.suggestions li').count(), HOSTILE_NAMES.length);
    await chat.press('Enter');
    const entries = HOSTILE_NAMES.map((name) => ({ id: name, title: name, when: name, messages: 1, excerpt: name }));
    await chat.say({ type: 'conversations', query: '', conversations: entries });
    assert.ok((await chat.page.locator('dialog').textContent())!.includes(HOSTILE_NAMES[0]!));
    await assertHarmless(chat);
  });

  it('would run, load and lead away in a page that trusts its text', async () => {
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.route('**/*', (route) => route.abort('aborted'));
    await page.setContent('<body></body>');
    const naive = createMarkdownIt({ html: true });
    naive.validateLink = () => true;
    /** Each case in a frame of its own, which it may lead away. Runs in the browser. */
    const fired = await page.evaluate(
      (pages) =>
        Promise.all(
          pages.map(async (html) => {
            const frame = Object.assign(document.createElement('iframe'), { srcdoc: '<body></body>' });
            const loaded = new Promise((done) => (frame.onload = done));
            document.body.append(frame);
            await loaded;
            let times = 0;
            Object.assign(frame.contentWindow!, { pwned: () => void times++ });
            const inner = frame.contentDocument!;
            inner.body.replaceChildren(inner.createRange().createContextualFragment(html));
            for (const link of Array.from(inner.querySelectorAll<HTMLElement>('a[href^=javascript]'))) link.click();
            await new Promise((done) => setTimeout(done, 300));
            return times;
          }),
        ),
      HOSTILE.map((text) => naive.render(text)),
    );
    assert.ok(fired.filter(Boolean).length > 40, `${fired.filter(Boolean).length} cases ran`);
    assert.ok(new Set(asked.filter((url) => url.includes('evil.example'))).size > 10, asked.join('\n'));
    await page.close();
  });

  it('and the look at the page would find it', async () => {
    await using chat = await open([message('a1', 'x')]);
    await chat.page.evaluate(() => {
      const link = Object.assign(document.createElement('a'), { href: 'command:x' });
      const image = document.createElement('img');
      document.querySelector('.markdown')!.append(link, image);
    });
    assert.deepEqual(await chat.page.evaluate(strangers, ALLOWED), ['<a href="command:x"></a>', '<img>']);
  });
});

const pwnedTimes = (page: Page) => page.evaluate(() => (window as unknown as { pwnedTimes: number }).pwnedTimes);

/** Counts calls of pwned(). Runs in the browser. */
function watch(): void {
  const global = window as unknown as { pwned(): void; pwnedTimes: number };
  global.pwnedTimes = 0;
  global.pwned = () => void global.pwnedTimes++;
}

/** Elements and attributes that messages must not have. Runs in the browser. */
function strangers(allowed: Record<string, string>): string[] {
  const known = (element: Element): boolean => {
    const names = allowed[element.localName];
    if (names === undefined) return false;
    const href = element.getAttribute('href');
    if (href !== null && !/^https?:\/\/[^@]*$/.test(href)) return false;
    if (!/^(--lines: ?\d+;?)?$/.test(element.getAttribute('style') ?? '')) return false;
    return element.getAttributeNames().every((name) => names.split(' ').includes(name));
  };
  const inMessages = Array.from(document.querySelectorAll('.messages article, .messages article *'));
  const anywhere = Array.from(
    document.querySelectorAll('iframe, object, embed, img, video, audio, base, style, body script + script'),
  );
  const found = new Set([...inMessages.filter((element) => !known(element)), ...anywhere]);
  return [...found].map((element) => (element.cloneNode(false) as Element).outerHTML);
}
