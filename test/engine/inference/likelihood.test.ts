import assert from 'node:assert/strict';
import { BadRequest, Cancelled } from '../../../engine/errors.ts';
import { likelihoods } from '../../../engine/inference/likelihood.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { PRIORITY, type Priority } from '../../../engine/inference/scheduler.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

const signal = new AbortController().signal;
const TEXT = 'return total';

describe('the likelihood of a text behind beginnings', function () {
  this.timeout(60_000);
  let model: LoadedModel;
  before(async () => {
    model = await loadModel('media/starter', { backend: 'wasm' });
  });
  after(() => model.dispose());

  it('is the mean of the log-probabilities of its tokens, each by the whole prompt', async () => {
    const beginnings = ['let total = 0;\n', 'import os\n', 'let total = 1;\n'];
    const found = await likelihoods(model, { text: TEXT, beginnings }, signal);
    for (const [i, beginning] of beginnings.entries()) {
      const before = model.tokenizer!.encode(beginning, { bos: true });
      const ids = model.tokenizer!.encode(TEXT);
      let sum = 0;
      for (let token = 0; token < ids.length; token++) {
        const session = model.createSession();
        const prompt = textPrompt([...before, ...ids.slice(0, token)]);
        const { values } = await session.run(prompt, { output: 'logits', last: 1 });
        await session.dispose();
        const largest = values.reduce((a, b) => Math.max(a, b));
        const all = values.reduce((total, value) => total + Math.exp(value - largest), 0);
        sum += values[ids[token]!]! - largest - Math.log(all);
      }
      assert.ok(Math.abs(found[i]! - sum / ids.length) < 1e-3, `${found[i]} is not ${sum / ids.length}`);
    }
    assert.ok(found[0]! > found[1]!, 'what was declared before is likelier');
  });

  it('leaves out at the end what there is no time for', async () => {
    const beginnings = Array.from({ length: 1000 }, (_, i) => `${i} `.repeat(400));
    const found = await likelihoods(model, { text: TEXT, beginnings, milliseconds: 200 }, signal);
    assert.ok(found.length < beginnings.length && found.every(Number.isFinite));
  });

  it('lets completions go first', async () => {
    const asked: Priority[] = [];
    const createSession = (priority: Priority) => {
      asked.push(priority);
      return model.createSession(priority);
    };
    const { tokenizer, info } = model;
    await likelihoods({ tokenizer, info, createSession }, { text: TEXT, beginnings: ['a'] }, signal);
    assert.deepEqual(asked, [PRIORITY.background]);
  });

  it('refuses what does not fit, and stops', async () => {
    const long = 'word '.repeat(5000);
    await assert.rejects(likelihoods(model, { text: TEXT, beginnings: [long] }, signal), BadRequest);
    const stopped = AbortSignal.abort();
    await assert.rejects(likelihoods(model, { text: TEXT, beginnings: ['a'] }, stopped), Cancelled);
  });
});
