import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  asked,
  type Conversation,
  emptyConversation,
  withLast,
} from '../../../extension/chat/conversation/conversation.ts';
import { PendingWrites } from '../../../extension/chat/conversation/pendingWrites.ts';
import { ConversationStore } from '../../../extension/chat/conversation/conversationStore.ts';

function conversation(id: string, text = 'Why?'): Conversation {
  const question = { id: 'q', text, attachments: [], chips: [], sources: [], prompt: text };
  return withLast(asked(emptyConversation(id, 1), question, 'a'), { answer: { text: 'So.', status: 'done' } });
}

const nothing = (files: string[]): void => assert.deepEqual(files, []);

describe('conversation store', () => {
  let folder: string;
  let unreadable: string[];
  let store: ConversationStore;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'airgap-store-')), 'chats');
    unreadable = [];
    store = new ConversationStore(folder, (files) => unreadable.push(...files));
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  it('keeps a file each, which only the user can read', async () => {
    assert.deepEqual(await store.all(), []);
    await store.write(conversation('one'));
    await store.write(conversation('two'));
    assert.deepEqual(readdirSync(folder), ['one.json', 'two.json']);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'one.json')).mode & 0o777, 0o600);
    const fresh = new ConversationStore(folder, nothing);
    assert.deepEqual(await fresh.all(), [conversation('one'), conversation('two')]);
    assert.equal(await fresh.read('three'), undefined);
  });

  it('sees what another window has written', async () => {
    await store.write(conversation('one'));
    const other = new ConversationStore(folder, nothing);
    await other.write(conversation('one', 'Another, longer one?'));
    assert.equal((await store.read('one'))!.turns[0]!.question.text, 'Another, longer one?');
    await other.remove('one');
    assert.equal(await store.read('one'), undefined);
  });

  it('never holds half of a conversation: what cannot be written leaves the old one, and nothing else', async () => {
    await store.write(conversation('one'));
    const before = readFileSync(join(folder, 'one.json'), 'utf8');
    const endless = { ...conversation('one'), toJSON: () => assert.fail('The disk is full.') };
    await assert.rejects(store.write(endless));
    assert.deepEqual(readdirSync(folder), ['one.json']);
    assert.equal(readFileSync(join(folder, 'one.json'), 'utf8'), before);
  });

  const damaged = ['', '{"version":1,', '[]', '{"version":2}', JSON.stringify(conversation('another'))];
  for (const text of damaged) {
    it(`sets aside ${JSON.stringify(text.slice(0, 20))}, once, and reads the others`, async () => {
      await store.write(conversation('one'));
      writeFileSync(join(folder, 'bad.json'), text);
      assert.deepEqual(await store.all(), [conversation('one')]);
      assert.match(unreadable.join(), /^[^,]*bad\.json\.[0-9a-f]+\.corrupt$/);
      assert.equal(readFileSync(unreadable[0]!, 'utf8'), text);
      await store.all();
      assert.equal(unreadable.length, 1);
    });
  }

  it('removes for good what an interrupted write and a damaged file left', async () => {
    await store.write(conversation('one'));
    await store.write(conversation('onetwo'));
    for (const rest of ['one.json.abc.tmp', 'one.json.abc.corrupt']) writeFileSync(join(folder, rest), 'secret');
    await store.remove('one');
    assert.deepEqual(readdirSync(folder), ['onetwo.json']);
  });

  it('reads nothing outside of its folder', async () => {
    writeFileSync(join(folder, '..', 'secret.json'), '{}');
    await assert.rejects(store.read('../secret'), /no name of a conversation/);
    assert.deepEqual(readdirSync(join(folder, '..')), ['secret.json']);
  });

  it('reads again only what changed', async () => {
    const long = conversation('x', 'word '.repeat(1000));
    for (let i = 0; i < 200; i++) await store.write({ ...long, id: `c${i}` });
    const fresh = new ConversationStore(folder, nothing);
    const before = new Set(await fresh.all());
    await store.write({ ...long, id: 'c7', title: 'Changed elsewhere' });
    const after = await fresh.all();
    assert.equal(after.length, 200);
    // A conversation that was not read again is the same object.
    assert.deepEqual(
      after.filter((each) => !before.has(each)).map(({ id, title }) => [id, title]),
      [['c7', 'Changed elsewhere']],
    );
  });
});

describe('pending writes', () => {
  it('writes the newest state, and tries again what failed with the next change', async () => {
    const written: Conversation[] = [];
    const failures: unknown[] = [];
    let isFull = true;
    const store = {
      write: async (each: Conversation) => {
        await Promise.resolve();
        if (isFull) throw new Error('ENOSPC');
        written.push(each);
      },
      read: () => Promise.resolve(undefined),
      all: () => Promise.resolve([]),
    } as unknown as ConversationStore;
    const pending = new PendingWrites(store, (error) => failures.push(error));
    const [one, two] = [conversation('one'), conversation('two')];
    pending.save(one);
    await pending.settled();
    pending.save(two);
    await pending.settled();
    assert.equal(failures.length, 1);
    assert.equal(await pending.read('one'), one);
    assert.deepEqual(await pending.all(), [one, two]);
    isFull = false;
    const newer = { ...one, title: 'Newer' };
    pending.save(newer);
    await pending.settled();
    assert.deepEqual(written, [newer, two]);
    assert.ok(pending.isSaved('one') && pending.isSaved('two'));
    isFull = true;
    pending.save(one);
    await pending.settled();
    assert.equal(failures.length, 2);
  });
});
