import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import { writeGguf } from '../../support/engine/ggufFile.ts';
import { refuses, withFolder } from '../../support/engine/refusals.ts';
import { TINY_SIZES, tinyGguf, vector } from '../../support/engine/tinyGguf.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';

describe('loading a model', () => {
  const load = async (folder: TinyFolder, options: Partial<LoadOptions> = {}) => {
    const model = await loadModel(folder.path, { backend: 'reference', ...options });
    await model.dispose();
    folder.remove();
    return model;
  };

  it('stop tokens: of generation_config.json, else of config.json', async () => {
    const config = { ...TINY_CONFIG, eos_token_id: [7, 9] };
    const of = async (folder: TinyFolder): Promise<number[]> => [...(await load(folder)).stopIds];
    assert.deepEqual(await of(TinyFolder.model({ config })), [7, 9]);
    assert.deepEqual(await of(TinyFolder.model({ config }).json('generation_config.json', {})), [7, 9]);
    assert.deepEqual(await of(TinyFolder.model({ config }).json('generation_config.json', { eos_token_id: 5 })), [5]);
    assert.deepEqual(await of(TinyFolder.model({ config: { ...TINY_CONFIG, eos_token_id: 7 } })), [7]);
  });

  it('says what it took: formats, bytes that a token reads, context', async () => {
    const model = await load(TinyFolder.model(), { weights: 'q8', contextLength: 100 });
    const { hidden_size: hidden, intermediate_size: mlp, vocab_size: vocabulary } = TINY_CONFIG;
    const values = vocabulary * hidden + 2 * (hidden * hidden * 3 + 3 * hidden * mlp); // Half as many kv heads as heads.
    assert.equal(model.weights, 'q8');
    assert.equal(model.bytesPerToken, values * (34 / 32) + 4 * 5 * hidden);
    assert.equal(model.info.contextLength, 100);
  });

  it('a GGUF file that is refused is told apart from a config.json', async () => {
    await withFolder(async (folder) => {
      const file = join(folder.path, 'tiny.gguf');
      const load = () => loadModel(file, { backend: 'reference' });
      writeGguf(file, tinyGguf('llama', { sizes: { ...TINY_SIZES, mlp: 95 } }));
      await refuses(load(), /^The metadata: the intermediate size 95 is not a multiple of 32\.$/);
      const { tensors, ...content } = tinyGguf('llama');
      writeGguf(file, { ...content, tensors: [...tensors, vector('blk.0.attn_norm.bias', [0])] });
      await refuses(load(), /^(?!.*config\.json)/);
    });
  });

  it('refuses a context that is longer than the model', async () => {
    const folder = TinyFolder.model();
    await assert.rejects(loadModel(folder.path, { backend: 'reference', contextLength: 257 }), { name: 'BadRequest' });
    folder.remove();
  });
});
