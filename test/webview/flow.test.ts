/** The page as a user has it: by keyboard alone, with an input method, across a reload. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import type { Browser, CDPSession } from 'playwright-core';
import type { FromPage } from '../../webview/protocol.ts';
import { ChatPage, emptyState, message, startChromium } from './chatPage.ts';
import { CONVERSATIONS, EVERYTHING, SUGGESTIONS } from './everything.ts';

const MAX_SCRIPT_BYTES = 265_000;

describe('the page', () => {
  let browser: Browser;
  before(async () => (browser = await startChromium()));
  after(() => browser.close());
  const talk = [message('q1', 'First?'), message('a1', 'One.'), message('q2', 'Second?'), message('a2', 'Two.')];

  it('is small', () => assert.ok(statSync('dist/webview/chat.js').size <= MAX_SCRIPT_BYTES));

  it('sends with Enter, breaks lines with Shift+Enter, and stops with Escape', async () => {
    await using chat = await ChatPage.open(browser);
    assert.equal(await chat.focused(), 'Ask about your project');
    await chat.press('Enter');
    await chat.type('Hello');
    await chat.press('Shift+Enter');
    await chat.type('there');
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [{ type: 'send', text: 'Hello\nthere' }]);
    assert.equal(await chat.page.inputValue('#composer'), '');
    await chat.say(
      { type: 'message', message: message('q1', 'Hello\nthere') },
      { type: 'message', message: message('a1', '', { status: 'writing' }) },
      { type: 'part', messageId: 'a1', text: 'Well' },
    );
    await chat.type('next');
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [], 'nothing is sent while an answer is written');
    assert.match((await chat.spoken()).join(), /Stop the current answer or wait/);
    assert.equal(await chat.page.inputValue('#composer'), 'next');
    await chat.press('Escape');
    assert.deepEqual(await chat.posted(), [{ type: 'stop' }]);
    assert.equal(await chat.focused(), 'Ask about your project');
  });

  it('does not send while an input method composes', async () => {
    await using chat = await ChatPage.open(browser);
    const session: CDPSession = await chat.page.context().newCDPSession(chat.page);
    await session.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
    await session.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Process', windowsVirtualKeyCode: 229 });
    await chat.page.evaluate(() => {
      const enter = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true };
      document.querySelector('#composer')!.dispatchEvent(new KeyboardEvent('keydown', enter));
    });
    await chat.frame();
    assert.deepEqual(await chat.posted(), []);
    await session.send('Input.insertText', { text: '日本' });
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [{ type: 'send', text: '日本' }]);
  });

  it('suggests for @ and /, and puts in what is taken', async () => {
    await using chat = await ChatPage.open(browser);
    const request = async (): Promise<number> => {
      const asked = (await chat.posted()).filter(({ type }) => type === 'suggest');
      return (asked.at(-1) as Extract<FromPage, { type: 'suggest' }>).request;
    };
    await chat.type('see @');
    await chat.say({ type: 'suggestions', request: await request(), suggestions: SUGGESTIONS });
    const active = () => chat.page.getAttribute('#composer', 'aria-activedescendant');
    assert.equal(await active(), 'suggestion-0');
    await chat.press('ArrowDown', 'ArrowUp', 'ArrowUp');
    assert.equal(await active(), 'suggestion-2');
    assert.equal(await chat.page.getAttribute('#suggestion-2', 'aria-selected'), 'true');
    await chat.press('Escape');
    assert.equal(await chat.page.locator('[role=listbox]').count(), 0);
    await chat.press('Backspace');
    await chat.type('@');
    await chat.say({ type: 'suggestions', request: await request(), suggestions: SUGGESTIONS });
    await chat.press('Tab');
    assert.equal(await chat.page.inputValue('#composer'), 'see @file ', 'what has more asks again');
    const [more] = await chat.posted();
    assert.equal((more as { text: string }).text, '@file ');
    await chat.say({
      type: 'suggestions',
      request: (more as { request: number }).request,
      suggestions: [SUGGESTIONS[1]!],
    });
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [{ type: 'attach', suggestionId: 's2' }]);
    assert.equal(await chat.page.inputValue('#composer'), 'see ');
    await chat.say({ type: 'chips', chips: EVERYTHING.chips, contextUse: EVERYTHING.contextUse });
    await chat.page.focus('[aria-label="Remove round.ts:10-24"]');
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [{ type: 'detach', chipId: 'x2' }]);
    assert.equal(await chat.focused(), 'Ask about your project');
  });

  it('edits a question and sends it again', async () => {
    await using chat = await ChatPage.open(browser, { state: { messages: talk } });
    await chat.press('ArrowUp');
    assert.equal(await chat.focused(), 'Edit your question');
    await chat.type(' Or not?');
    await chat.press('Escape');
    assert.equal(await chat.focused(), 'Copy message', 'the focus goes to the message');
    await chat.page.focus('[data-message=q1] [aria-label="Edit and resend"]');
    await chat.press('Enter');
    await chat.press('Control+a');
    await chat.type('Another?');
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [{ type: 'edit', messageId: 'q1', text: 'Another?' }]);
    assert.equal(await chat.focused(), 'Ask about your project');
  });

  it('reaches everything by Tab, in the order of the page', async () => {
    await using chat = await ChatPage.open(browser, { state: EVERYTHING });
    await chat.page.focus('[aria-label="Show chats"]');
    const seen = ['Show chats'];
    for (let presses = 0; presses < 80; presses++) {
      await chat.page.keyboard.press('Tab');
      const name = await chat.focused();
      if (name === 'Show chats') break;
      seen.push(name);
    }
    const wanted = [
      ...['Show chats', 'New chat', 'Messages', 'price.ts. src/price.ts, 120 lines'],
      ...['Enlarge dialog.png, 1200 × 700 pixels', 'Copy message'],
      ...['Edit and resend', 'IEEE 754', 'Copy code', 'Insert at cursor', 'Replace selection', 'Create new file'],
      ...[
        'Apply to file',
        'Insert into terminal',
        'Code block: sh',
        'Code block: src/price.ts',
        'Used 2 sources',
        'Continue',
      ],
      ...['Regenerate answer', 'Choose a model…', 'Remove price.ts'],
      ...['Enlarge dialog.png, 1200 × 700 pixels', 'Detail in which the model sees dialog.png', 'Remove dialog.png'],
      ...['Remove Project', 'Ask about your project', 'Add a picture'],
    ];
    let from = 0;
    for (const name of wanted) {
      const at = seen.indexOf(name, from);
      assert.ok(at >= 0, `${name} after ${seen[from]} in ${seen.join(' | ')}`);
      from = at;
    }
  });

  it('says what a code block is to become', async () => {
    await using chat = await ChatPage.open(browser, { state: { messages: EVERYTHING.messages, trusted: false } });
    const block = chat.page.locator('.code', { hasText: 'npm test' });
    for (const label of ['Copy code', 'Insert at cursor', 'Replace selection', 'Insert into terminal'])
      await block.getByLabel(label).click();
    const posted = (await chat.posted()) as Extract<FromPage, { type: 'code' }>[];
    assert.deepEqual(
      posted.map(({ action }) => action),
      ['copy', 'insert', 'replace', 'terminal'],
    );
    assert.deepEqual(posted[0], {
      type: 'code',
      action: 'copy',
      code: 'npm test -- price\n',
      language: 'sh',
      path: '',
    });
    for (const label of ['Apply to file', 'Create new file'])
      assert.equal(await chat.page.getByLabel(label).count(), 0, `${label}: not without trust`);
    await chat.say({ type: 'state', state: { ...EVERYTHING, trusted: true } });
    await chat.page.getByLabel('Create new file').last().click();
    await chat.page.getByLabel('Apply to file').last().click();
    const file = { language: 'ts', path: 'src/price.ts' };
    assert.partialDeepStrictEqual(await chat.posted(), [
      { action: 'newFile', ...file },
      { action: 'apply', ...file },
    ]);
  });

  it('continues, answers again, opens sources, helps a failed engine', async () => {
    await using chat = await ChatPage.open(browser, { state: EVERYTHING, height: 1600 });
    for (const label of ['Continue', 'Regenerate answer', 'Choose a model…'])
      await chat.page
        .getByLabel(label)
        .or(chat.page.getByText(label, { exact: true }))
        .click();
    await chat.page.click('summary');
    await chat.page.getByText('src/price.ts', { exact: true }).last().click();
    assert.deepEqual(await chat.posted(), [
      ...[{ type: 'continue' }, { type: 'regenerate' }, { type: 'run', command: 'chooseModel' }],
      { type: 'openSource', uri: 'file:///p', line: 1 },
    ]);
  });

  it('says that a server answers; where it fails, tries again there or goes on here', async () => {
    const engine = {
      ...EVERYTHING.engine,
      place: 'gpu:8000',
      goes: 'Questions go to gpu:8000.',
      remedies: [],
      advice: '',
    };
    await using chat = await ChatPage.open(browser, { state: { engine, messages: [] } });
    assert.match(await chat.page.innerText('.welcome'), /^Ask about the open project\. Questions go to gpu:8000\.$/m);
    assert.match(await chat.page.innerText('header'), /gpu:8000/);
    const problem = 'The connection broke.';
    await chat.say(
      { type: 'message', message: message('q1', 'Why?') },
      { type: 'message', message: message('a1', 'Bec', { status: 'failed', problem, fault: 'server' }) },
    );
    await chat.page.getByText('Try Again', { exact: true }).click();
    await chat.page.getByText('Use the Local Model', { exact: true }).click();
    const local = [{ type: 'run', command: 'useLocal' }, { type: 'continue' }];
    assert.deepEqual(await chat.posted(), [{ type: 'continue' }, ...local]);
  });

  it('finds, renames, exports, deletes and opens conversations', async () => {
    await using chat = await ChatPage.open(browser, { state: { messages: talk } });
    await chat.page.focus('[aria-label="Show chats"]');
    await chat.press('Enter');
    assert.equal(await chat.focused(), 'Search chats');
    await chat.say({ type: 'conversations', query: '', conversations: CONVERSATIONS });
    await chat.type('p');
    await chat.say({ type: 'conversations', query: 'p', conversations: [CONVERSATIONS[1]!] });
    assert.equal(await chat.page.locator('.conversation').count(), 1);
    await chat.page.focus('[aria-label="Rename Tests for the parser"]');
    await chat.press('Enter');
    await chat.type('Parser');
    await chat.press('Enter');
    await chat.page.focus('[aria-label="Export Tests for the parser"]');
    await chat.press('Enter', 'Tab', 'Enter');
    await chat.page.focus('.conversation-open');
    await chat.press('Enter');
    assert.deepEqual(await chat.posted(), [
      { type: 'listConversations', query: '' },
      { type: 'listConversations', query: 'p' },
      { type: 'renameConversation', conversationId: 'c2', title: 'Parser' },
      { type: 'exportConversation', conversationId: 'c2' },
      { type: 'deleteConversation', conversationId: 'c2' },
      { type: 'openConversation', conversationId: 'c2' },
    ]);
    assert.equal(await chat.focused(), 'Ask about your project');
    await chat.press('Shift+Tab');
    await chat.say({ type: 'conversations', query: '', conversations: CONVERSATIONS });
    await chat.press('Escape');
    assert.equal(await chat.page.locator('dialog').count(), 0);
  });

  it('keeps draft, place and focus across a reload', async () => {
    const long = Array.from({ length: 60 }, (_, n) => message(n % 2 ? `a${n}` : `q${n}`, `Message ${n}\n\n`.repeat(8)));
    await using chat = await ChatPage.open(browser, { state: { messages: long } });
    await chat.type('half a question');
    /** How far the message's top is from the upper edge. */
    const distance = () =>
      chat.page.evaluate(() => {
        const top = (selector: string) => document.querySelector(selector)!.getBoundingClientRect().top;
        return Math.abs(top('[data-message=a21]') - top('.messages'));
      });
    const drawn = () => document.querySelectorAll('article').length === 60;
    await chat.page.waitForFunction(drawn);
    await chat.page.hover('.messages');
    await chat.page.mouse.wheel(0, -300);
    await chat.frame();
    await chat.page.evaluate(() => document.querySelector('[data-message=a21]')!.scrollIntoView());
    await chat.page.waitForFunction(() => sessionStorage.getItem('vscode-state')?.includes('"messageId":"a21"'));
    assert.ok((await distance()) < 3);
    await chat.load();
    await chat.page.waitForFunction(drawn);
    await chat.frame();
    assert.ok((await distance()) < 3, String(await distance()));
    assert.equal(await chat.page.inputValue('#composer'), 'half a question');
    assert.equal(await chat.focused(), 'Ask about your project');
    await chat.page.getByText('Scroll to end').click();
    await chat.frame();
    assert.ok(await chat.page.locator('[data-message=a59]').isVisible());
  });

  it('shows all of the composer below a banner, in a new chat of a small view', async () => {
    const state = { ...EVERYTHING, messages: [] };
    await using chat = await ChatPage.open(browser, { state, width: 275, height: 480 });
    await chat.page.evaluate(() => document.querySelector('#root')!.scrollTo(0, 0));
    await chat.frame();
    const bar = (await chat.page.locator('.composer-bar').boundingBox())!;
    assert.ok(bar.y + bar.height <= 480, `it ends at ${bar.y + bar.height}`);
  });

  it('fits into 250 pixels, in both directions of writing, whatever a server is called', async () => {
    const host = 'inference-for-everybody.gpu-cluster-17.research.example.org:8443';
    const served = { place: host, goes: `Questions go to ${host}.`, sent: `Questions go to ${host}.` };
    for (const [dir, where] of [
      ['ltr', {}],
      ['rtl', {}],
      ['ltr', served],
    ] as const) {
      const state = { ...EVERYTHING, engine: { ...EVERYTHING.engine, ...where } };
      await using chat = await ChatPage.open(browser, { state, width: 250, height: 400 });
      await chat.page.evaluate((value) => (document.documentElement.dir = value), dir);
      await chat.frame();
      const wide = await chat.page.evaluate(() =>
        Array.from(document.querySelectorAll<HTMLElement>('header, header *, main, .message, .composer *, .banner *'))
          .filter((element) => element.getClientRects().length && !element.closest('.hidden'))
          .filter((element) => {
            const { left, right } = element.getBoundingClientRect();
            return left < -1 || right > 251;
          })
          .map(({ className }) => className),
      );
      assert.deepEqual(wide, [], dir);
      const name = 'place' in where ? 'server' : dir;
      if (process.env.AIRGAP_SHOTS) await chat.page.screenshot({ path: `dist/shots/narrow ${name}.png` });
      if (name !== 'server') continue;
      assert.equal(await chat.page.locator('.place').getAttribute('title'), served.sent);
      assert.ok((await chat.page.locator('h1').boundingBox())!.width > 40, 'the title has room');
      await chat.say({ type: 'state', state: { ...emptyState(), ...state, messages: [] } });
      await chat.page.screenshot({ path: `dist/shots/narrow welcome.png` });
    }
  });
});
