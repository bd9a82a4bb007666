import assert from 'node:assert/strict';
import { completeOnce } from '../../../engine/document/completeOnce.ts';
import { Cancelled } from '../../../engine/errors.ts';
import { type LoadedModel } from '../../../engine/load/loadedModel.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';

const REQUEST = {
  fileName: 'a.ts',
  languageId: 'typescript',
  suffix: '\n',
  maxTokens: 16,
  multiline: 'never',
} as const;

/** The bundled model, since a random one is sure of nothing. */
describe('alternatives', function () {
  this.timeout(60_000);
  let model: LoadedModel;
  const never = new AbortController().signal;
  before(async () => (model = await loadModel('media/starter', { backend: 'wasm', signal: never })));
  after(() => model.dispose());

  // The second prefix ends in half a word, which the model writes again.
  for (const prefix of [
    'for (let i = 0; i < items.length; i++) {\n  const item = ',
    'class Point {\n  constructor(left, top) {\n    this.left = le',
  ]) {
    it(`differ, and the first text stays what it is: ${JSON.stringify(prefix)}`, async () => {
      const session = model.createSession();
      const request = { ...REQUEST, prefix };
      const alone = await completeOnce(model, session, request, never);
      const {
        text,
        alternatives = [],
        tokensPrefilled,
      } = await completeOnce(model, session, { ...request, alternatives: 2 }, never);
      if (alone.text !== '') assert.equal(text, alone.text);
      assert.equal(alone.alternatives, undefined);
      console.log(`      ${JSON.stringify([text, ...alternatives])}`);
      assert.ok(text !== '' && alternatives.length > 0 && alternatives.length <= 2);
      assert.equal(new Set([text, ...alternatives]).size, alternatives.length + 1);
      assert.ok(tokensPrefilled <= 4, 'the KV cache is shared');
    });
  }

  it('are cancelled with the request', async () => {
    const abort = new AbortController();
    const session = model.createSession();
    let generations = 0;
    const generate: typeof session.generate = (...given) => {
      if (++generations === 2) abort.abort();
      return session.generate(...given);
    };
    const request = { ...REQUEST, prefix: 'const a = ', alternatives: 2 };
    await assert.rejects(completeOnce(model, { generate }, request, abort.signal), Cancelled);
    assert.equal(generations, 2);
  });
});
