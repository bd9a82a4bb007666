import assert from 'node:assert/strict';
import { forSmallModel } from '../../../extension/chat/answer/smallModel.ts';
import { instruct } from '../../../extension/chat/context/instruct.ts';
import type { Attachment } from '../../../extension/chat/context/attachment.ts';

const FILE: Attachment = { kind: 'file', uri: 'file:///a.ts' };
const BRIEF = ' Answer in one or two short sentences.';

describe('a question to the small chat model', () => {
  for (const [question, given, expected] of [
    ['What does this file do?', true, `What does this file do?${BRIEF}`],
    ['Why? ', true, `Why?${BRIEF}`],
    ['What is this?', false, `What is this?${BRIEF} No file or code was given; say so.`],
    ['Write a function that reverses a string.', true, 'Write a function that reverses a string.'],
    ['', false, ''],
  ] as const) {
    it(`${JSON.stringify(question)}${given ? ', with a file,' : ''} becomes ${JSON.stringify(expected)}`, () => {
      assert.equal(forSmallModel(question, given), expected);
    });
  }

  for (const [model, brief] of [
    ['bundled:SmolLM2-135M-Instruct', true],
    ['/store/models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf', true],
    ['/models/phi-3.gguf', false],
    ['', false],
  ] as const) {
    it(`is ${brief ? 'changed' : 'left alone'} for ${model || 'the starter model'}`, async () => {
      const { instruction } = await instruct('What is this?', [FILE], model);
      assert.equal(instruction, brief ? `What is this?${BRIEF}` : 'What is this?');
    });
  }
});
