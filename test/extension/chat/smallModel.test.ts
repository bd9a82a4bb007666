import assert from 'node:assert/strict';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import { forSmallModel, mannerForSmallModel } from '../../../extension/chat/answer/smallModel.ts';
import { instruct } from '../../../extension/chat/context/instruct.ts';
import type { Attachment } from '../../../extension/chat/context/attachment.ts';
import { fakeChats } from '../../support/extension/fakeChat.ts';

const FILE: Attachment = { kind: 'file', uri: 'file:///a.ts' };
const BRIEF = ' Answer in one or two short sentences.';

describe('a question to the small chat model', () => {
  const { open, removeAll } = fakeChats();
  afterEach(removeAll);

  for (const [question, expected] of [
    ['What does this file do?', `What does this file do?${BRIEF}`],
    ['Why? ', `Why?${BRIEF}`],
    ['Explain the class Bed.', `Explain the class Bed.${BRIEF}`],
    ['Write a function that reverses a string.', 'Write a function that reverses a string.'],
    ['', ''],
  ] as const) {
    it(`${JSON.stringify(question)} becomes ${JSON.stringify(expected)}`, () => {
      assert.equal(forSmallModel(question), expected);
      assert.equal(mannerForSmallModel(question).maxSentences, question === expected ? undefined : 2);
    });
  }

  for (const [question, needsCode] of [
    ['What does this file do?', true],
    ['Explain the selected code.', true],
    ['Why does my test fail?', true],
    ['Where is the parser defined in this project?', true],
    ['What does the class above do?', true],
    ['Was macht diese Datei?', true],
    ['/explain', true],
    ['How do I reverse a string in Python?', false],
    ['What is a class?', false],
    ['Write a function that adds two numbers.', false],
    ['What does this function do: def f(x): return x', false],
    ['What is your name?', false],
    ['/commit', false],
  ] as const) {
    it(`${JSON.stringify(question)} ${needsCode ? 'needs' : 'needs no'} code that comes along`, () =>
      assert.equal(mannerForSmallModel(question).needsCode, needsCode));
  }

  for (const [model, brief] of [
    ['bundled:SmolLM2-135M-Instruct', true],
    ['/store/models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf', true],
    ['/models/phi-3.gguf', false],
    ['bundled:starter', false],
  ] as const) {
    it(`is ${brief ? 'changed' : 'left alone'} for ${model}`, async () => {
      const { instruction } = await instruct('What is this?', [FILE], model);
      assert.equal(instruction, brief ? `What is this?${BRIEF}` : 'What is this?');
    });
  }

  it('answers are asked for in the manner of the model', async () => {
    const chat = await open();
    chat.manner = { system: 'Be kind.', maxSentences: 2 };
    await chat.send('Why?');
    const [request] = chat.model.requests;
    assert.deepEqual([request!.messages[0], request!.maxSentences], [textTurn('system', 'Be kind.'), 2]);
  });

  it('answers that need code are not asked for without any', async () => {
    const chat = await open();
    chat.manner = { needsCode: true };
    const { status, problem } = await chat.send('What does this file do?');
    assert.deepEqual([status, chat.model.requests.length], ['failed', 0]);
    assert.match(problem!, /^No code is attached to this question/);
    chat.manner = {};
    await chat.send('What is a file?');
    chat.manner = { needsCode: true };
    assert.equal((await chat.send('And this file?')).status, 'done', 'an earlier answer may be meant');
  });
});
