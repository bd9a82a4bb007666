import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineFailure } from '../../../engine/rpc.ts';
import { FakeChat, FakePage, until } from '../../support/fakeChat.ts';

const gone = new EngineFailure({ kind: 'engineGone', message: 'The engine process ended.' });
const FILE = { kind: 'file', uri: 'file:///w/a.ts' } as const;

describe('chat controller', () => {
  const chats: FakeChat[] = [];
  const open = (...args: ConstructorParameters<typeof FakeChat>): Promise<FakeChat> => {
    const chat = new FakeChat(...args);
    chats.push(chat);
    return chat.open();
  };
  afterEach(async () => {
    for (const chat of chats.splice(0)) await chat.remove();
  });

  describe('answers', () => {
    it('stream, and say what they took', async () => {
      const chat = await open();
      const answer = await chat.send('Why?');
      assert.deepEqual(chat.page.shown, ['user: Why?', 'assistant: An answer.']);
      assert.equal(answer.status, 'done');
      assert.equal(answer.figures, '12 tokens read, 3,400 from the cache; 30 written, 15 per second');
      assert.equal(chat.page.state!.title, 'Why?');
      const [request] = chat.model.requests;
      assert.deepEqual(request!.messages.slice(1), [{ role: 'user', text: 'Why?' }]);
      assert.equal(request!.messages[0]!.role, 'system');
      assert.equal(request!.maxTokens, 100);
      assert.equal(request!.sampling, undefined);
      assert.equal(chat.kept, 0);
    });

    it('take half of the window at most', async () => {
      const chat = await open();
      chat.settings = { maxTokens: 8000, temperature: 0.5 };
      await chat.send('Why?');
      assert.equal(chat.model.requests[0]!.maxTokens, 500);
      assert.deepEqual(chat.model.requests[0]!.sampling, { temperature: 0.5, topP: 0.95, seed: 1 });
    });

    it('begin the next prompt with the same messages', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.send('Why?');
      await chat.send('And then?');
      const [first, second] = chat.model.requests.map(({ messages }) => messages);
      assert.deepEqual(second!.slice(0, first!.length), first);
      assert.deepEqual(second!.slice(first!.length), [
        { role: 'assistant', text: 'An answer.' },
        { role: 'user', text: 'And then?' },
      ]);
      assert.equal(chat.model.requests[0]!.sessionId, chat.model.requests[1]!.sessionId);
    });

    it('that were cut say so, and go on', async () => {
      const chat = await open();
      chat.model.script = ({ messages }) =>
        messages.at(-1)!.role === 'assistant' ? { parts: [' two'] } : { parts: ['one'], stop: 'length', dropped: 2 };
      const cut = await chat.send('Count.');
      assert.equal(cut.status, 'cut');
      assert.match(cut.figures!, /The oldest 2 messages did not fit the window\.$/);
      await chat.say({ type: 'continue' });
      assert.equal((await chat.answered()).status, 'done');
      assert.deepEqual(chat.page.shown, ['user: Count.', 'assistant: one two']);
      assert.deepEqual(chat.model.requests[1]!.messages.at(-1), { role: 'assistant', text: 'one' });
    });

    it('stop within a token, and go on', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['one'], hang: true });
      await chat.say({ type: 'send', text: 'Count.' });
      await until(() => chat.page.last.text === 'one');
      assert.equal(chat.kept, 1);
      await chat.say({ type: 'stop' });
      assert.equal(chat.page.last.status, 'stopped');
      assert.equal(chat.page.last.problem, undefined);
      assert.equal(chat.kept, 0);
      chat.model.script = () => ({ parts: [' two'] });
      await chat.say({ type: 'continue' });
      assert.equal((await chat.answered()).text, 'one two');
    });

    it('that are done do not go on', async () => {
      const chat = await open();
      await chat.send('Why?');
      await chat.say({ type: 'continue' });
      assert.equal(chat.model.requests.length, 1);
    });

    it('are asked for anew: first the likeliest, then others with other seeds', async () => {
      const chat = await open();
      await chat.send('Why?');
      for (const seed of [1, 2]) {
        chat.model.script = () => ({ parts: [`answer ${seed}`] });
        await chat.say({ type: 'regenerate' });
        await chat.answered();
        assert.deepEqual(chat.page.shown, ['user: Why?', `assistant: answer ${seed}`]);
        const request = chat.model.requests.at(-1)!;
        assert.deepEqual(request.sampling, { temperature: 0.7, topP: 0.95, seed });
        assert.deepEqual(request.messages, chat.model.requests[0]!.messages);
      }
    });

    it('begin anew where an earlier question is edited; what was attached is read again', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await chat.send('One?');
      await chat.send('Two?');
      chat.reader.files.set(FILE.uri, 'changed');
      await chat.say({ type: 'edit', messageId: chat.page.state!.messages[0]!.id, text: 'Zero?' });
      await chat.answered();
      assert.deepEqual(chat.page.shown, ['user: Zero?', 'assistant: An answer.']);
      const [, question, ...rest] = chat.model.requests.at(-1)!.messages;
      assert.equal(question!.text, '<file name="a.ts" lines="1-1">\nchanged\n</file>\n\nZero?');
      assert.deepEqual(rest, []);
    });

    it('that fail keep their text and say why; they go on once the engine runs again', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['half '], fail: gone });
      const failed = await chat.send('Why?');
      assert.equal(failed.status, 'failed');
      assert.equal(failed.problem, 'The engine process ended.');
      assert.equal(failed.text, 'half ');
      chat.engine = { kind: 'failed', text: 'It ended.', fraction: 0, remedies: ['restart', 'log'], advice: '' };
      chat.controller.engineChanged();
      assert.deepEqual(chat.page.told.at(-1), { type: 'engine', engine: chat.engine });
      await chat.say({ type: 'restartEngine' });
      assert.ok(chat.asked.includes('restartEngine'));
      chat.model.script = () => ({ parts: ['done'] });
      await chat.say({ type: 'continue' });
      assert.equal((await chat.answered()).text, 'half done');
    });

    it('that never began are asked for again, likeliest first; a later question passes over them', async () => {
      const chat = await open();
      chat.model.script = () => ({ fail: gone });
      await chat.send('Why?');
      await chat.say({ type: 'regenerate' });
      await chat.answered();
      assert.equal(chat.model.requests[1]!.sampling, undefined);
      chat.model.script = () => ({ parts: ['Yes.'] });
      await chat.send('Well?');
      assert.deepEqual(chat.model.requests[2]!.messages.slice(1), [{ role: 'user', text: 'Well?' }]);
    });

    it('stop where another question comes', async () => {
      const chat = await open();
      chat.model.script = ({ messages }) =>
        messages.at(-1)!.text === 'One?' ? { parts: ['one'], hang: true } : { parts: ['two'] };
      await chat.say({ type: 'send', text: 'One?' });
      await until(() => chat.page.last.text === 'one');
      await chat.send('Two?');
      assert.deepEqual(chat.page.shown, ['user: One?', 'assistant: one', 'user: Two?', 'assistant: two']);
      assert.equal(chat.page.state!.messages[1]!.status, 'stopped');
    });

    it('to nothing are not asked for', async () => {
      const chat = await open();
      await chat.say({ type: 'send', text: ' \n ' });
      assert.deepEqual(chat.page.shown, []);
    });
  });

  describe('context', () => {
    it('is the active file until the user takes it away, also for the questions after', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await until(() => chat.page.state!.chips[0]?.tokens === 25);
      assert.equal(chat.page.state!.window.limit, 900);
      chat.automatic = { kind: 'selection', uri: FILE.uri, firstLine: 1, lastLine: 1 };
      chat.controller.editorChanged();
      assert.deepEqual(chat.page.state!.chips.map(({ kind }) => kind), ['selection']); // prettier-ignore
      await chat.say({ type: 'detach', chipId: chat.page.state!.chips[0]!.id });
      chat.controller.editorChanged();
      await chat.send('Why?');
      assert.deepEqual(chat.page.state!.chips, []);
      assert.deepEqual(chat.page.state!.messages[0]!.chips, []);
      await chat.say({ type: 'newConversation' });
      assert.equal(chat.page.state!.chips.length, 1);
    });

    it('is said once: a further question of the same file prefills only its own tokens', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.send('Why?');
      await until(() => chat.page.state!.chips[0]?.tokens === 0);
      assert.match(chat.page.state!.chips[0]!.detail, /\(this conversation holds it already\)$/);
      await chat.send('And?');
      assert.equal(chat.model.requests[1]!.messages.at(-1)!.text, 'And?');
      assert.deepEqual(chat.page.last.sources, []);
      chat.reader.files.set(FILE.uri, 'const a = 3;');
      await chat.send('Now?');
      assert.match(chat.model.requests[2]!.messages.at(-1)!.text, /const a = 3;[\s\S]*Now\?$/);
    });

    it('that the window dropped is said again', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      chat.model.script = () => ({ parts: ['yes'], dropped: 2 });
      await chat.send('Why?');
      await chat.send('And?');
      assert.match(chat.model.requests[1]!.messages.at(-1)!.text, /^<file name="a.ts"/);
    });

    it('that does not fit is cut, and the chip and the source say where', async () => {
      const chat = await open();
      chat.model.room = 12;
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await until(() => chat.page.state!.chips[0]?.cut !== '');
      assert.equal(chat.page.state!.chips[0]!.cut, 'lines 2 of 2 left out');
      await chat.send('Why?');
      const [question, answer] = chat.page.state!.messages;
      assert.equal(question!.chips![0]!.cut, 'lines 2 of 2 left out');
      assert.deepEqual(answer!.sources, [{ name: 'a.ts', uri: FILE.uri, lines: [[1, 1]], totalLines: 2 }]);
      chat.reader.files.set('file:///w/b.ts', 'b');
      chat.model.room = 0;
      await chat.controller.ask({ attachments: [{ kind: 'folder', uri: 'file:///w' }], newConversation: true });
      await until(() => chat.page.state!.chips[0]?.cut !== '');
      assert.equal(chat.page.state!.chips[0]!.cut, 'of 2 parts 2 left out, 0 cut');
    });

    it('that cannot be read is told, and the question is asked without it', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      chat.reader.files.clear();
      await chat.send('Why?');
      assert.equal(chat.page.state!.messages[0]!.chips![0]!.cut, 'file:///w/a.ts cannot be read.');
      assert.deepEqual(chat.page.notices, ['file:///w/a.ts cannot be read.']);
      assert.equal(chat.model.requests[0]!.messages.at(-1)!.text, 'Why?');
    });

    it('is not counted before a model is loaded, and @project not before the question', async () => {
      const chat = await open();
      chat.loaded = false;
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.controller.ask({ attachments: [{ kind: 'project' }] });
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(chat.model.fits, []);
      assert.equal(chat.page.state!.window.limit, 0);
      chat.loaded = true;
      chat.controller.engineChanged();
      await until(() => chat.page.state!.chips[0]!.tokens !== undefined);
      assert.equal(chat.page.state!.chips[1]!.tokens, undefined);
      await chat.send('Where?');
      assert.ok(chat.reader.questions.includes('Where?'));
    });

    it('of a slash command comes along, and its instruction stands in the prompt', async () => {
      const chat = await open();
      await chat.send('/explain');
      assert.match(chat.model.requests[0]!.messages.at(-1)!.text, /^<file name="a.ts"[\s\S]*\n\nExplain\.$/);
      assert.deepEqual(chat.page.state!.messages[0]!.chips!.map(({ kind }) => kind), ['file']); // prettier-ignore
      assert.equal(chat.page.state!.messages[0]!.text, '/explain');
    });
  });

  describe('commands', () => {
    it('put text and attachments into the next page that shows', async () => {
      const chat = new FakeChat();
      chats.push(chat);
      await chat.controller.ask({ text: 'Hello', attachments: [FILE] });
      assert.deepEqual(chat.asked, ['reveal']);
      await chat.open();
      assert.deepEqual(chat.page.told.at(-1), { type: 'compose', text: 'Hello' });
      assert.deepEqual(chat.page.state!.chips.map(({ kind }) => kind), ['file']); // prettier-ignore
    });

    it('ask at once with their own attachments, and leave the draft alone', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await chat.controller.ask({ text: 'Fix.', attachments: [{ kind: 'changes' }], send: true });
      await chat.answered();
      assert.deepEqual(chat.page.state!.messages[0]!.chips!.map(({ kind }) => kind), ['changes']); // prettier-ignore
      assert.equal(chat.page.state!.chips.length, 1);
    });

    it('open the list in a page that did not ask', async () => {
      const chat = await open();
      await chat.controller.showList();
      assert.deepEqual(chat.page.told.at(-1), { type: 'conversations', query: '', conversations: [] });
    });
  });

  describe('conversations', () => {
    it('are there again after a reload, with what was written of an unfinished answer', async () => {
      const chat = await open();
      await chat.send('Why do birds suddenly appear?');
      chat.model.script = () => ({ parts: ['half'], hang: true });
      chat.host.nowMs = () => (chat.nowMs += 1000);
      await chat.say({ type: 'send', text: 'And?' });
      await until(() => chat.page.last.text === 'half');
      // The host is gone without a word.
      await until(() => readFileSync(join(chat.folder, readdirSync(chat.folder)[0]!), 'utf8').includes('"half"'));
      const again = await open(chat.folder, chat.memory, 'other');
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
      assert.ok(chat.asked.includes('Delete “Feathers” for good?') && chat.asked.includes(`closed ${birds}`));
      assert.deepEqual(await list(''), ['About fish?|this minute|2|']);
      assert.ok(!readdirSync(chat.folder).some((name) => name.includes(birds)));
      await chat.say({ type: 'openConversation', conversationId: birds });
      assert.deepEqual(chat.page.notices, ['This conversation does not exist any more.']);
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
      await until(() => chat.kept === 0);
      assert.deepEqual(readdirSync(chat.folder), []);
    });

    it('change: the answer to the one before stops, and is not shown in the next', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['one'], hang: true });
      await chat.say({ type: 'send', text: 'Count.' });
      await until(() => chat.page.last.text === 'one');
      const { conversationId } = chat.page.state!;
      await chat.say({ type: 'newConversation' });
      assert.deepEqual(chat.page.shown, []);
      assert.equal(chat.kept, 0);
      await chat.say({ type: 'openConversation', conversationId });
      assert.deepEqual(chat.page.shown, ['user: Count.', 'assistant: one']);
      assert.equal(chat.page.last.status, 'stopped');
    });

    it('of two windows: what the other one wrote is not lost', async () => {
      const chat = await open();
      await chat.send('One?');
      const other = await open(chat.folder, chat.memory, 'other');
      other.nowMs = chat.nowMs + 1000;
      await other.send('Two?');
      chat.nowMs = other.nowMs + 1000;
      await chat.send('Three?');
      const questions = chat.page.state!.messages.filter(({ role }) => role === 'user').map(({ text }) => text);
      assert.deepEqual(questions, ['One?', 'Two?', 'Three?']);
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
        'The conversation could not be saved: ENOSPC: no space left on device. It stays in memory.',
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
      chat.memory.set('open', 'bad');
      const again = await open(chat.folder, chat.memory, 'other');
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
      await chat.say({ type: 'openSource', uri: FILE.uri, line: 2 });
      assert.deepEqual(chat.asked, [`open ${FILE.uri}:2`]);
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
        `apply good ${FILE.uri}`,
        `apply bad ${FILE.uri}`,
        'copy An answer.',
        'link https://example.org/',
      ]);
      assert.deepEqual(chat.page.notices, ['It has no place.']);
      const told = chat.page.told.at(-1)!;
      assert.ok(told.type === 'suggestions' && told.request === 7 && told.suggestions[0]!.label === '@a');
    });
  });

  it('1,000 messages are there in less than a second', async () => {
    const chat = await open();
    await chat.send('Why?');
    await chat.controller.dispose();
    const [name] = readdirSync(chat.folder);
    const stored = JSON.parse(readFileSync(join(chat.folder, name!), 'utf8')) as { turns: object[] };
    const turns = Array.from({ length: 500 }, (_, i) => {
      const { question, answer } = structuredClone(stored.turns[0]) as Record<'question' | 'answer', { id: string }>;
      return { question: { ...question, id: `q${i}` }, answer: { ...answer, id: `a${i}`, text: 'word '.repeat(200) } };
    });
    writeFileSync(join(chat.folder, name!), JSON.stringify({ ...stored, turns }));
    const startMs = performance.now();
    const again = await open(chat.folder, chat.memory, 'other');
    assert.equal(again.page.state!.messages.length, 1000);
    assert.ok(performance.now() - startMs < 1000);
  });
});
