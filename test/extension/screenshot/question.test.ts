import assert from 'node:assert/strict';
import { htmlTarget } from '../../../extension/screenshot/prompts/html.ts';
import { questionAbout } from '../../../extension/screenshot/question.ts';

const PICTURE = { hash: 'a', name: 'shop.png', width: 640, height: 400, file: '/pictures/a.png' };
const COST = { mostCrops: 16, tokens: 757, seconds: 3 };

describe('screenshot to code: the first question', () => {
  const ask = (costs: (typeof COST)[], text: string) => {
    const host = { model: { imageCosts: () => Promise.resolve(costs) }, textIn: () => Promise.resolve(text) };
    return questionAbout(PICTURE, htmlTarget(), host, new AbortController().signal);
  };

  it('has the picture where the model sees pictures', async () => {
    const { image, sources, notes, instruction } = await ask([COST], 'not read');
    assert.deepEqual([image, sources, notes], [{ type: 'image', file: '/pictures/a.png' }, [], []]);
    assert.equal(instruction, htmlTarget().instruction);
  });

  it('has the text in it otherwise, without secrets, and says so', async () => {
    const { image, sources, notes, instruction } = await ask([], '  Sign in\npassword: "hunter2horse"\n');
    assert.equal(image, undefined);
    assert.deepEqual(
      sources.map(({ name }) => name),
      ['shop.png'],
    );
    assert.match(sources[0]!.text, /^Sign in\npassword: "\[hidden/);
    assert.match(notes[0]!, /^The model of the chat sees no pictures: it was given only the text in this one/);
    assert.match(instruction, /^You cannot see the picture, but shop\.png above has its texts.*640 × 400 pixels/);
  });

  it('is refused in a sentence where there is neither', () =>
    assert.rejects(ask([], ' \n'), { message: /^The model of the chat sees no pictures, and this one has no text/ }));
});
