import assert from 'node:assert/strict';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import { RemoteFailure } from '../../../extension/remote/faults.ts';
import { fakeChats } from '../../support/extension/fakeChat.ts';

describe('answers that fail on a server', () => {
  const { open, removeAll } = fakeChats();
  afterEach(removeAll);

  it('say so; what was written stays, and what was not is fitted anew', async () => {
    const chat = await open();
    chat.automatic = { kind: 'file', uri: 'file:///w/a.ts' };
    chat.controller.editorChanged();
    const busy = new RemoteFailure('busy', 'gpu is busy.');
    chat.model.script = () => ({ fail: busy });
    assert.equal((await chat.send('Why?')).fault, 'server');
    chat.model.room = 5;
    chat.model.script = () => ({ parts: ['half '], fail: busy });
    await chat.say({ type: 'continue' });
    const half = await chat.answered();
    assert.deepEqual([half.text, half.fault, half.problem], ['half ', 'server', 'gpu is busy.']);
    assert.match(textOf(chat.model.requests.at(-1)!.messages.at(-1)!), />\nconst\n</);
    chat.model.script = () => ({ parts: ['done'] });
    await chat.say({ type: 'run', command: 'useLocal' });
    await chat.say({ type: 'continue' });
    const whole = await chat.answered();
    assert.deepEqual([whole.text, whole.fault, whole.problem], ['half done', undefined, undefined]);
    assert.ok(chat.asked.includes('useLocal'));
  });
});
