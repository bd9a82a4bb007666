import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeChat, FakePage, fakeChats } from '../../support/extension/fakeChat.ts';
import { until } from '../../support/until.ts';

const filesOf = ({ folder }: FakeChat): string[] => readdirSync(folder).filter((name) => name !== 'open');
const FILE_URI = 'file:///w/a.ts';

describe('conversations and pages', () => {
  const { open, removeAll } = fakeChats();
  afterEach(removeAll);

  describe('stored conversations', () => {
    it('are there again after a reload, with what was written of an unfinished answer', async () => {
      const chat = await open();
      await chat.send('Why do birds suddenly appear?');
      chat.model.script = () => ({ parts: ['half'], hang: true });
      chat.host.nowMs = () => (chat.nowMs += 1000);
      await chat.say({ type: 'send', text: 'And?' });
      await until(() => chat.page.last.text === 'half');
      // The host is gone without a word.
      await until(() => readFileSync(join(chat.folder, filesOf(chat)[0]!), 'utf8').includes('"half"'));
      const again = await open(chat.folder, 'other');
      assert.equal(again.page.state!.title, 'Why do birds suddenly appear?');
      assert.deepEqual(again.page.shown.slice(2), ['user: And?', 'assistant: half']);
      assert.equal(again.page.last.status, 'stopped');
      await again.say({ type: 'continue' });
      assert.equal((await again.answered()).text, 'halfAn answer.');
    });

    it('are listed newest first, searched, renamed and deleted for good', async () => {
      const chat = await open();
      await chat.send('About birds?');
      const birds = chat.page.state!.conversationId;
      await chat.say({ type: 'newConversation' });
      chat.nowMs += 3 * 3_600_000;
      await chat.send('About fish?');
      const list = async (query: string) => {
        await chat.say({ type: 'listConversations', query });
        const told = chat.page.told.at(-1)!;
        assert.ok(told.type === 'conversations' && told.query === query);
        return told.conversations.map(
          ({ title, when, messages, excerpt }) => `${title}|${when}|${messages}|${excerpt}`,
        );
      };
      assert.deepEqual(await list(''), ['About fish?|this minute|2|', 'About birds?|3 hours ago|2|']);
      assert.deepEqual(await list('BIRD'), ['About birds?|3 hours ago|2|About birds?']);
      await chat.say({ type: 'renameConversation', conversationId: birds, title: '  Feathers\n ' });
      assert.deepEqual(await list('feather'), ['Feathers|this minute|2|']);
      chat.confirms = false;
      await chat.say({ type: 'deleteConversation', conversationId: birds });
      assert.equal((await list('')).length, 2);
      chat.confirms = true;
      await chat.say({ type: 'deleteConversation', conversationId: birds });
      assert.ok(chat.asked.includes('Permanently delete “Feathers”?') && chat.asked.includes(`closed ${birds}`));
      assert.deepEqual(await list(''), ['About fish?|this minute|2|']);
      assert.ok(!filesOf(chat).some((name) => name.includes(birds)));
      await chat.say({ type: 'openConversation', conversationId: birds });
      assert.deepEqual(chat.page.notices, ['This chat no longer exists.']);
    });

    it('that are open are renamed and deleted while an answer is written', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['one'], hang: true });
      await chat.say({ type: 'send', text: 'Count.' });
      await until(() => chat.page.last.text === 'one');
      const { conversationId } = chat.page.state!;
      await chat.say({ type: 'renameConversation', conversationId, title: 'Numbers' });
      assert.equal(chat.page.state!.title, 'Numbers');
      assert.equal(chat.page.last.status, 'writing');
      await chat.say({ type: 'deleteConversation', conversationId });
      assert.deepEqual(chat.page.shown, []);
      await until(() => chat.model.running === 0);
      assert.deepEqual(filesOf(chat), []);
    });

    it('change: the answer to the one before stops, and is not shown in the next', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['one'], hang: true });
      await chat.say({ type: 'send', text: 'Count.' });
      await until(() => chat.page.last.text === 'one');
      const { conversationId } = chat.page.state!;
      await chat.say({ type: 'newConversation' });
      assert.deepEqual(chat.page.shown, []);
      assert.equal(chat.model.running, 0);
      await chat.say({ type: 'openConversation', conversationId });
      assert.deepEqual(chat.page.shown, ['user: Count.', 'assistant: one']);
      assert.equal(chat.page.last.status, 'stopped');
    });

    it('of two windows: what the other one wrote is not lost', async () => {
      const chat = await open();
      await chat.send('One?');
      const other = await open(chat.folder, 'other');
      other.nowMs = chat.nowMs + 1000;
      await other.send('Two?');
      chat.nowMs = other.nowMs + 1000;
      await chat.send('Three?');
      const questions = chat.page.state!.messages.filter(({ role }) => role === 'user').map(({ text }) => text);
      assert.deepEqual(questions, ['One?', 'Two?', 'Three?']);
    });

    it('of two windows: a new name costs none of what the other one wrote', async () => {
      const chat = await open();
      await chat.send('One?');
      const { conversationId } = chat.page.state!;
      const other = await open(chat.folder, 'other');
      other.nowMs = chat.nowMs + 1000;
      await other.send('Two?');
      chat.nowMs = other.nowMs + 1000;
      await chat.say({ type: 'renameConversation', conversationId, title: 'Numbers' });
      assert.equal(chat.page.state!.title, 'Numbers');
      assert.equal(chat.page.shown.length, 4);
    });

    it('of two windows: one that the other deleted is kept where the user goes on with it', async () => {
      const chat = await open();
      await chat.send('One?');
      const { conversationId } = chat.page.state!;
      const other = await open(chat.folder, 'other');
      await other.say({ type: 'deleteConversation', conversationId });
      assert.deepEqual(filesOf(chat), []);
      await chat.send('Two?');
      await until(() => filesOf(chat).includes(`${conversationId}.json`));
      assert.equal(chat.page.shown.length, 4);
    });

    it('are exported as Markdown', async () => {
      const chat = await open();
      await chat.say({ type: 'exportConversation', conversationId: chat.page.state!.conversationId });
      assert.deepEqual(chat.page.notices, ['There is nothing to export yet.']);
      await chat.send('Why: a/b?');
      await chat.say({ type: 'exportConversation', conversationId: chat.page.state!.conversationId });
      assert.match(chat.asked.at(-1)!, /^save Why a b\.md\n# Why: a\/b\?\n/);
    });

    it('stay in memory where the disk is full; one sentence, and the next change saves all', async () => {
      const chat = await open();
      const { store } = chat.host;
      const write = store.write.bind(store);
      store.write = () => Promise.reject(new Error('ENOSPC: no space left on device'));
      await chat.send('One?');
      await chat.send('Two?');
      assert.deepEqual(chat.page.notices, [
        'The chat could not be saved: ENOSPC: no space left on device. It is kept in memory until VS Code is closed.',
      ]);
      const first = chat.page.state!.conversationId;
      await chat.say({ type: 'newConversation' });
      await chat.say({ type: 'openConversation', conversationId: first });
      assert.equal(chat.page.shown.length, 4);
      store.write = write;
      await chat.send('Three?');
      await chat.controller.dispose();
      assert.equal((await store.read(first))!.turns.length, 3);
    });

    it('that are damaged are set aside, and the others stay', async () => {
      const chat = await open();
      await chat.send('One?');
      await chat.controller.dispose();
      writeFileSync(join(chat.folder, 'bad.json'), '{"version":1,');
      writeFileSync(join(chat.folder, 'open'), 'bad');
      const again = await open(chat.folder, 'other');
      assert.ok(again.asked.includes('unreadable 1'));
      assert.deepEqual(again.page.shown, []);
      await again.say({ type: 'listConversations', query: '' });
      const told = again.page.told.at(-1)!;
      assert.ok(told.type === 'conversations' && told.conversations.length === 1);
    });
  });

  describe('pages', () => {
    it('that are open together show the same; a list goes only to the one that asked', async () => {
      const chat = await open();
      const other = new FakePage();
      await chat.say({ type: 'ready' }, other);
      await chat.send('Why?');
      assert.deepEqual(other.shown, chat.page.shown);
      await chat.say({ type: 'listConversations', query: '' });
      assert.ok(!other.told.some(({ type }) => type === 'conversations'));
    });

    it('that come in the middle of an answer miss nothing and see nothing twice', async () => {
      const chat = await open();
      const words = Array.from({ length: 300 }, (_, i) => `${i} `);
      chat.model.script = () => ({ parts: words });
      await chat.say({ type: 'send', text: 'Count.' });
      await until(() => chat.page.last.text.length > 50);
      const late = new FakePage();
      await chat.say({ type: 'ready' }, late);
      await chat.answered();
      assert.equal(late.last.text, words.join(''));
      const parts = chat.page.told.filter(({ type }) => type === 'part').length;
      assert.ok(parts > 0 && parts < words.length / 2, `${parts} posts for ${words.length} parts`);
    });

    it('open only what an answer was given or the draft has', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await chat.say({ type: 'openSource', uri: 'file:///etc/passwd', line: 1 });
      await chat.say({ type: 'openSource', uri: FILE_URI, line: 2 });
      assert.deepEqual(chat.asked, [`open ${FILE_URI}:2`]);
    });

    it('pass on what the user does with code, messages and links', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await chat.send('Why?');
      const code = (text: string) =>
        chat.say({ type: 'code', action: 'apply', code: text, language: 'ts', path: 'a.ts' });
      await code('good');
      await code('bad');
      await chat.say({ type: 'copyMessage', messageId: chat.page.last.id });
      await chat.say({ type: 'openLink', href: 'https://example.org/' });
      await chat.say({ type: 'suggest', request: 7, text: '@a' });
      assert.deepEqual(chat.asked, [
        `apply good ${FILE_URI}`,
        `apply bad ${FILE_URI}`,
        'copy An answer.',
        'link https://example.org/',
      ]);
      assert.deepEqual(chat.page.notices, ['It has no place.']);
      const told = chat.page.told.at(-1)!;
      assert.ok(told.type === 'suggestions' && told.request === 7 && told.suggestions[0]!.label === '@a');
    });
  });

  it('1,000 messages are all there', async () => {
    const chat = await open();
    await chat.send('Why?');
    await chat.controller.dispose();
    const [name] = filesOf(chat);
    const stored = JSON.parse(readFileSync(join(chat.folder, name!), 'utf8')) as { turns: object[] };
    const turns = Array.from({ length: 500 }, (_, i) => {
      const { question, answer } = structuredClone(stored.turns[0]) as Record<'question' | 'answer', { id: string }>;
      return { question: { ...question, id: `q${i}` }, answer: { ...answer, id: `a${i}`, text: 'word '.repeat(200) } };
    });
    writeFileSync(join(chat.folder, name!), JSON.stringify({ ...stored, turns }));
    const again = await open(chat.folder, 'other');
    assert.equal(again.page.state!.messages.length, 1000);
  });
});
