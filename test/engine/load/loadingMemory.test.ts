import assert from 'node:assert/strict';
import { PeakWatch } from '../../../engine/cli/bench/watches.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';

describe('memory while loading', function () {
  this.timeout(60_000);

  const load = async (layers: number) => {
    const randomConfig = {
      model_type: 'llama',
      hidden_size: 1024,
      intermediate_size: 4096,
      num_hidden_layers: layers,
      num_attention_heads: 16,
      num_key_value_heads: 4,
      vocab_size: 4096,
      max_position_embeddings: 512,
    };
    return loadModel({ name: 'random', randomConfig }, { backend: 'wasm', weights: 'q8' });
  };

  it('a process grows by the weights and a few chunks', async () => {
    await (await load(1)).dispose(); // What the first load compiles.
    const peak = new PeakWatch();
    const model = await load(10);
    peak.stop();
    const { bytes } = model.info;
    const more = peak.bytes;
    await model.dispose();
    assert.ok(bytes > 150e6, `${bytes} bytes of weights`);
    assert.ok(more > 0.8 * bytes, `the process grew by ${more} bytes: the weights were not seen`);
    assert.ok(more < bytes + 64e6, `the process grew by ${more} bytes for ${bytes} bytes of weights`);
  });
});
