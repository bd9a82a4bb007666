import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { textOf, textTurn } from '../../../engine/wire/chatTurns.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { fakeChats, MODELS_OWN } from '../../support/extension/fakeChat.ts';
import { until } from '../../support/until.ts';

const gone = new EngineFailure({ kind: 'engineGone', message: 'The engine process ended.' });
const FILE = { kind: 'file', uri: 'file:///w/a.ts' } as const;

describe('chat controller', () => {
  const { create, open, removeAll } = fakeChats();
  afterEach(removeAll);

  describe('answers', () => {
    it('stream, and say what they took', async () => {
      const chat = await open();
      const answer = await chat.send('Why?');
      assert.deepEqual(chat.page.shown, ['user: Why?', 'assistant: An answer.']);
      assert.equal(answer.status, 'done');
      assert.equal(answer.figures, '3,412 prompt tokens (3,400 cached) · 30 generated · 15 tokens/s');
      assert.equal(chat.page.state!.title, 'Why?');
      const [request] = chat.model.requests;
      assert.deepEqual(request!.messages.slice(1), [textTurn('user', 'Why?')]);
      assert.equal(request!.messages[0]!.role, 'system');
      assert.equal(request!.maxTokens, 100);
      assert.deepEqual(request!.sampling, { seed: 1 });
      assert.equal(chat.model.running, 0);
    });

    it('have the length and the temperature that the settings say', async () => {
      const chat = await open();
      chat.settings = { maxTokens: 8000, sampling: { ...MODELS_OWN, temperature: 0.5, topK: 20 } };
      await chat.send('Why?');
      assert.equal(chat.model.requests[0]!.maxTokens, 8000);
      assert.deepEqual(chat.model.requests[0]!.sampling, { temperature: 0.5, topK: 20, seed: 1 });
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
        textTurn('assistant', 'An answer.'),
        textTurn('user', 'And then?'),
      ]);
      assert.equal(chat.model.requests[0]!.sessionId, chat.model.requests[1]!.sessionId);
    });

    it('that were cut say so, and go on', async () => {
      const chat = await open();
      chat.model.script = ({ messages }) =>
        messages.at(-1)!.role === 'assistant' ? { parts: [' two'] } : { parts: ['one'], stop: 'length' };
      chat.model.dropped = 2;
      const cut = await chat.send('Count.');
      assert.equal(cut.status, 'cut');
      assert.match(cut.figures!, /The oldest 2 messages did not fit in the context window\.$/);
      await chat.say({ type: 'continue' });
      assert.equal((await chat.answered()).status, 'done');
      assert.deepEqual(chat.page.shown, ['user: Count.', 'assistant: one two']);
      assert.deepEqual(chat.model.requests[1]!.messages.at(-1), textTurn('assistant', 'one'));
    });

    it('show the thoughts before them, which no later prompt contains', async () => {
      const chat = await open();
      chat.model.script = () => ({ thoughts: ['Let me', ' see.'], parts: ['Yes', '.'] });
      const { text, thoughts, status } = await chat.send('Is it?');
      assert.deepEqual([text, thoughts, status], ['Yes.', 'Let me see.', 'done']);
      chat.model.script = () => ({ thoughts: ['Hm'], hang: true });
      await chat.say({ type: 'send', text: 'Why?' });
      await until(() => chat.model.running === 1);
      assert.doesNotMatch(JSON.stringify(chat.model.requests.at(-1)), /Let me/);
      await chat.say({ type: 'stop' });
      assert.deepEqual([chat.page.last.thoughts, chat.page.last.status], ['Hm', 'stopped']);
      chat.model.script = () => ({ thoughts: ['Anew.'], parts: ['So.'] });
      await chat.say({ type: 'continue' });
      assert.deepEqual([(await chat.answered()).text, chat.page.last.thoughts], ['So.', 'Anew.']);
    });

    it('that repeated themselves say so, and are not continued', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['one', ' one', ' one'], stop: 'repetition', kept: 3 });
      const { status, text } = await chat.send('Count.');
      await chat.say({ type: 'continue' });
      assert.deepEqual([status, text, chat.model.requests.length], ['repeated', 'one', 1]);
      await chat.say({ type: 'regenerate' });
      await chat.answered();
      assert.equal(chat.model.requests.length, 2);
    });

    it('that repeat themselves where they are continued lose nothing of what was there', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['zero'], stop: 'length' });
      await chat.send('Count.');
      chat.model.script = () => ({ parts: [' one', ' one', ' one'], stop: 'repetition', kept: 4 });
      await chat.say({ type: 'continue' });
      assert.equal((await chat.answered()).text, 'zero one');
    });

    it('stop within a token, and go on', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['one'], hang: true });
      await chat.say({ type: 'send', text: 'Count.' });
      await until(() => chat.page.last.text === 'one');
      assert.equal(chat.model.running, 1);
      await chat.say({ type: 'stop' });
      assert.equal(chat.page.last.status, 'stopped');
      assert.equal(chat.page.last.problem, undefined);
      assert.equal(chat.model.running, 0);
      chat.model.script = () => ({ parts: [' two'] });
      await chat.say({ type: 'continue' });
      assert.equal((await chat.answered()).text, 'one two');
    });

    it('stop also while what is attached cannot be read to its end', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      chat.reader.read = () => new Promise(() => {});
      await chat.say({ type: 'send', text: 'Why?' });
      await chat.say({ type: 'stop' });
      assert.equal(chat.page.last.status, 'stopped');
      assert.deepEqual(chat.model.requests, []);
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
        assert.deepEqual(request.sampling, { leastTemperature: 0.7, seed: seed + 1 });
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
      assert.equal(textOf(question!), '<file name="a.ts" lines="1-1">\nchanged\n</file>\n\nZero?');
      assert.deepEqual(rest, []);
    });

    it('that fail keep their text and say why; they go on once the engine runs again', async () => {
      const chat = await open();
      chat.model.script = () => ({ parts: ['half '], fail: gone });
      const failed = await chat.send('Why?');
      assert.equal(failed.status, 'failed');
      assert.equal(failed.problem, 'The engine process ended.');
      assert.equal(failed.text, 'half ');
      const failure = { kind: 'failed', text: 'It ended.', remedies: ['restart', 'log'] } as const;
      chat.engine = { ...chat.engine, ...failure, remedies: [...failure.remedies] };
      chat.controller.engineChanged();
      assert.deepEqual(chat.page.told.at(-1), { type: 'engine', engine: chat.engine });
      await chat.say({ type: 'run', command: 'restart' });
      assert.ok(chat.asked.includes('restart'));
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
      assert.equal(chat.model.requests[1]!.sampling!.leastTemperature, undefined);
      chat.model.script = () => ({ parts: ['Yes.'] });
      await chat.send('Well?');
      assert.deepEqual(chat.model.requests[2]!.messages.slice(1), [textTurn('user', 'Well?')]);
    });

    it('stop where another question comes', async () => {
      const chat = await open();
      chat.model.script = ({ messages }) =>
        textOf(messages.at(-1)!) === 'One?' ? { parts: ['one'], hang: true } : { parts: ['two'] };
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
      assert.equal(chat.page.state!.contextUse.limit, 900);
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

    it("begins with the project's instructions, each of which the user can take away", async () => {
      const chat = await open();
      const [agents, own] = ['AGENTS.md', '.airgap/instructions.md'].map(
        (path) => ({ kind: 'instructions', uri: `file:///project/${path}` }) as const,
      );
      const kinds = () => chat.page.state!.chips.map(({ kind, label }) => `${kind} ${label}`);
      chat.automatic = FILE;
      chat.instructions = [agents!, own!];
      chat.controller.editorChanged();
      const [first, second, file] = kinds();
      assert.deepEqual([first, second, file].map((each) => each?.split(' ')[0]), ['instructions', 'instructions', 'file']); // prettier-ignore
      await chat.say({ type: 'detach', chipId: chat.page.state!.chips[0]!.id });
      chat.controller.editorChanged();
      assert.deepEqual(kinds(), [second, file]);
      await chat.send('Why?');
      assert.deepEqual(kinds(), [second, file]);
      chat.instructions = [agents!];
      chat.controller.editorChanged();
      assert.deepEqual(kinds(), [file]);
      await chat.say({ type: 'newConversation' });
      assert.deepEqual(kinds(), [first, file]);
    });

    it('is counted anew where a setting gives the answer more room', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await until(() => chat.page.state!.contextUse.limit === 900);
      chat.settings = { maxTokens: 300, sampling: MODELS_OWN };
      chat.automatic = undefined;
      chat.controller.settingsChanged();
      await until(() => chat.page.state!.contextUse.limit === 700);
      assert.deepEqual(chat.page.state!.chips, []);
    });

    it('is said once: a further question of the same file prefills only its own tokens', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.send('Why?');
      await until(() => chat.page.state!.chips[0]?.tokens === 0);
      assert.match(chat.page.state!.chips[0]!.detail, /\(already in this chat\)$/);
      await chat.send('And?');
      assert.equal(textOf(chat.model.requests[1]!.messages.at(-1)!), 'And?');
      assert.deepEqual(chat.page.last.sources, []);
      chat.reader.files.set(FILE.uri, 'const a = 3;');
      await chat.send('Now?');
      assert.match(textOf(chat.model.requests[2]!.messages.at(-1)!), /const a = 3;[\s\S]*Now\?$/);
    });

    it('that the window drops is said again', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.send('Why?');
      chat.model.dropped = 2;
      await chat.send('And?');
      assert.match(textOf(chat.model.requests[1]!.messages.at(-1)!), /^<file name="a.ts"/);
      assert.deepEqual(chat.page.last.sources!.map(({ name }) => name), ['a.ts']); // prettier-ignore
    });

    it('of a question that got no answer is said with the next one', async () => {
      const chat = await open();
      chat.automatic = FILE;
      chat.controller.editorChanged();
      chat.model.script = () => ({ hang: true });
      await chat.say({ type: 'send', text: 'Why?' });
      await until(() => chat.model.requests.length === 1);
      await chat.say({ type: 'stop' });
      chat.model.script = () => ({ parts: ['yes'] });
      await chat.send('And?');
      const [, question, ...rest] = chat.model.requests[1]!.messages;
      assert.match(textOf(question!), /^<file name="a.ts"[\s\S]*And\?$/);
      assert.deepEqual(rest, []);
    });

    it('that does not fit is cut, and the chip and the source say where', async () => {
      const chat = await open();
      chat.model.room = 12;
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await until(() => chat.page.state!.chips[0]?.cut !== '');
      assert.equal(chat.page.state!.chips[0]!.cut, 'lines 2 of 2 omitted');
      await chat.send('Why?');
      const [question, answer] = chat.page.state!.messages;
      assert.equal(question!.chips![0]!.cut, 'lines 2 of 2 omitted');
      assert.deepEqual(answer!.sources, [{ name: 'a.ts', uri: FILE.uri, lines: [[1, 1]], totalLines: 2 }]);
      chat.reader.files.set('file:///w/b.ts', 'b');
      chat.model.room = 0;
      await chat.controller.ask({ attachments: [{ kind: 'folder', uri: 'file:///w' }], newConversation: true });
      await until(() => chat.page.state!.chips[0]?.cut !== '');
      assert.equal(chat.page.state!.chips[0]!.cut, '2 of 2 parts omitted, 0 shortened');
    });

    it('that cannot be read is told, and the question is asked without it', async () => {
      const chat = await open();
      await chat.say({ type: 'attach', suggestionId: 's1' });
      chat.reader.files.clear();
      await chat.send('Why?');
      assert.equal(chat.page.state!.messages[0]!.chips![0]!.cut, 'file:///w/a.ts cannot be read.');
      assert.deepEqual(chat.page.notices, ['file:///w/a.ts cannot be read.']);
      assert.equal(textOf(chat.model.requests[0]!.messages.at(-1)!), 'Why?');
    });

    it('is not counted before a model is loaded, and @project not before the question', async () => {
      const chat = await open();
      chat.loaded = false;
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.controller.ask({ attachments: [{ kind: 'project' }] });
      await nextTurn();
      assert.deepEqual(chat.model.fits, []);
      assert.equal(chat.page.state!.contextUse.limit, 0);
      chat.loaded = true;
      chat.controller.engineChanged();
      await until(() => chat.page.state!.chips[0]!.tokens !== undefined);
      assert.equal(chat.page.state!.chips[1]!.tokens, undefined);
      await chat.send('Where?');
      assert.ok(chat.reader.questions.includes('Where?'));
    });

    it('that nobody chose says so', async () => {
      const chat = await open();
      const given: unknown[] = [];
      chat.host.instruct = async (text, attached) => {
        given.push(...attached);
        return { instruction: text, attachments: attached };
      };
      chat.automatic = FILE;
      chat.controller.editorChanged();
      await chat.send('Why?');
      await chat.say({ type: 'attach', suggestionId: 's1' });
      await chat.send('And?');
      assert.deepEqual(given, [{ ...FILE, automatic: true }, FILE]);
    });

    it('of a slash command comes along, and its instruction stands in the prompt', async () => {
      const chat = await open();
      await chat.send('/explain');
      assert.match(textOf(chat.model.requests[0]!.messages.at(-1)!), /^<file name="a.ts"[\s\S]*\n\nExplain\.$/);
      assert.deepEqual(chat.page.state!.messages[0]!.chips!.map(({ kind }) => kind), ['file']); // prettier-ignore
      assert.equal(chat.page.state!.messages[0]!.text, '/explain');
    });
  });

  describe('commands', () => {
    it('put text and attachments into the next page that shows', async () => {
      const chat = create();
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
});
