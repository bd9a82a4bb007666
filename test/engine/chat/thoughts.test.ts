import assert from 'node:assert/strict';
import { Thoughts } from '../../../engine/chat/thoughts.ts';

const CASES: { name: string; prompt?: string | null; answer: string; thought: string; text: string }[] = [
  { name: 'none', answer: ' An answer.', thought: '', text: ' An answer.' },
  { name: 'at the beginning', answer: '<think>\nHm.\n</think>\n\nYes.', thought: '\nHm.\n', text: 'Yes.' },
  { name: 'behind white space', answer: '\n<think>Hm.</think>Yes.', thought: 'Hm.', text: 'Yes.' },
  { name: 'opened by the template', prompt: 'x<think>\n', answer: 'Hm.</think>\nYes.', thought: 'Hm.', text: 'Yes.' },
  { name: 'empty', answer: '<think>\n\n</think>\n\nYes.', thought: '\n\n', text: 'Yes.' },
  { name: 'without an end', answer: '<think>Hm. </thi', thought: 'Hm. </thi', text: '' },
  { name: 'with marks that are none', answer: '<think>a < b </b></think>c', thought: 'a < b </b>', text: 'c' },
  {
    name: 'in the middle, where they are text',
    answer: 'Use <think>x</think>.',
    thought: '',
    text: 'Use <think>x</think>.',
  },
  { name: 'in the rest of an answer', prompt: null, answer: '<think>', thought: '', text: '<think>' },
  { name: 'only begun', answer: '<thi', thought: '', text: '<thi' },
  { name: 'an answer of nothing', answer: '', thought: '', text: '' },
];

describe('thoughts of an answer', () => {
  for (const { name, prompt = 'user: x', answer, thought, text } of CASES) {
    it(name, () => {
      for (const size of [1, 3, 1000]) {
        const thoughts = new Thoughts(prompt);
        const told = { thought: '', text: '' };
        for (let at = 0; at < answer.length; at += size) {
          const next = thoughts.push(answer.slice(at, at + size));
          told.thought += next.thought;
          told.text += next.text;
        }
        const rest = thoughts.end();
        assert.deepEqual({ thought: told.thought + rest.thought, text: told.text + rest.text }, { thought, text });
      }
    });
  }
});
