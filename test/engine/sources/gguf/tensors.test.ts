import assert from 'node:assert/strict';
import { join } from 'node:path';
import { GgufModel } from '../../../../engine/sources/gguf/ggufModel.ts';
import { type GgufContent, type MetadataValue, f32, writeGguf } from '../../../support/engine/ggufFile.ts';
import { withFolder } from '../../../support/engine/refusals.ts';
import { TINY_SIZES, tinyGguf, withGgufModel, zeros } from '../../../support/engine/tinyGguf.ts';

describe('GGUF tensors have the names and shapes of Hugging Face', () => {
  const { hidden, mlp, vocabulary } = TINY_SIZES;
  const outer = {
    'model.embed_tokens.weight': [vocabulary, hidden],
    'model.norm.weight': [hidden],
    'lm_head.weight': [vocabulary, hidden],
  };
  const norms = { 'input_layernorm.weight': [hidden], 'post_attention_layernorm.weight': [hidden] };
  const down = { 'self_attn.o_proj.weight': [hidden, 64], 'mlp.down_proj.weight': [hidden, mlp] };
  const apart = {
    ...{ 'self_attn.q_proj.weight': [64, hidden], 'self_attn.k_proj.weight': [32, hidden] },
    ...{
      'self_attn.v_proj.weight': [32, hidden],
      'mlp.gate_proj.weight': [mlp, hidden],
      'mlp.up_proj.weight': [mlp, hidden],
    },
  };
  const joined = { 'self_attn.qkv_proj.weight': [128, hidden], 'mlp.gate_up_proj.weight': [2 * mlp, hidden] };
  const biases = { 'self_attn.q_proj.bias': [64], 'self_attn.k_proj.bias': [32], 'self_attn.v_proj.bias': [32] };
  const headNorms = { 'self_attn.q_norm.weight': [16], 'self_attn.k_norm.weight': [16] };
  for (const [architecture, layer] of [
    ['llama', { ...norms, ...down, ...apart }],
    ['phi3', { ...norms, ...down, ...joined }],
    ['qwen2', { ...norms, ...down, ...apart, ...biases }],
    ['qwen3', { ...norms, ...down, ...apart, ...headNorms }],
  ] as const) {
    it(architecture, async () => {
      const expected = [0, 1].flatMap((i) =>
        Object.entries(layer).map(([name, shape]) => [`model.layers.${i}.${name}`, shape]),
      );
      await withGgufModel(tinyGguf(architecture), async (model) => {
        const checkpoint = await model.checkpoint();
        const shapes = [...checkpoint.tensors].map(([name, { shape }]) => [name, shape]);
        assert.deepEqual(Object.fromEntries(shapes), { ...outer, ...Object.fromEntries(expected) });
        await checkpoint.close();
      });
    });
  }

  it('q and k of llama are interleaved, and their biases; nothing else is', async () => {
    const bias = (name: string, rows: number) => zeros(`blk.0.attn_${name}.bias`, [rows]);
    const marked = (content: GgufContent) =>
      withGgufModel(content, async (model) => {
        const checkpoint = await model.checkpoint();
        await checkpoint.close();
        return [...checkpoint.tensors].flatMap(([name, { interleavedHead }]) =>
          interleavedHead ? [[name, interleavedHead]] : [],
        );
      });
    const llama = tinyGguf('llama', { tensors: [bias('q', 64), bias('k', 32), bias('v', 32)] });
    assert.deepEqual(Object.fromEntries(await marked(llama)), {
      ...Object.fromEntries(
        [0, 1].flatMap((i) => ['q', 'k'].map((part) => [`model.layers.${i}.self_attn.${part}_proj.weight`, 16])),
      ),
      'model.layers.0.self_attn.q_proj.bias': 16,
      'model.layers.0.self_attn.k_proj.bias': 16,
    });
    for (const architecture of ['phi3', 'qwen2', 'qwen3'] as const)
      assert.deepEqual(await marked(tinyGguf(architecture)), []);
  });

  for (const [name, tensor] of [
    ['a tensor of another architecture', 'blk.0.ssm_a.weight'],
    ['experts', 'blk.0.ffn_gate_exps.weight'],
    ['a layer with a leading zero', 'blk.01.attn_norm.weight'],
    ['a scale beside a tensor', 'blk.0.attn_q.scale'],
    ['a name with a line break', 'blk.0.\nattn_q.weight'],
    ['a name of the prototype', 'blk.0.constructor.weight'],
  ] as const) {
    it(`refused: ${name}`, () =>
      withGgufModel(tinyGguf('llama', { tensors: [zeros(tensor, [64])] }), (model) =>
        assert.rejects(
          model.checkpoint(),
          /^BadModel: tiny\.gguf contains the tensor [^\n]+, which is not supported for llama\.$/,
        ),
      ));
  }
});

describe('GGUF metadata becomes generation_config.json', () => {
  const generationOf = (general: Record<string, MetadataValue>) =>
    withGgufModel(tinyGguf('llama', { general }), (model) => model.generationConfig());

  it('ends of a text, of a turn and of a message, without repetition', async () => {
    const ids = { eos_token_id: 2, eot_token_id: 7, eom_token_id: 2 };
    const general = Object.fromEntries(Object.entries(ids).map(([key, id]) => [`tokenizer.ggml.${key}`, id]));
    assert.deepEqual(await generationOf(general), { eos_token_id: [2, 7] });
  });

  it('recommended sampling beside the file, where the file has none itself', async () => {
    await withFolder(async (folder) => {
      folder.json('generation_config.json', { temperature: 0.2, top_p: 0.9, do_sample: true, eos_token_id: 5, x: 1 });
      const generation = async (general: Record<string, MetadataValue>): Promise<unknown> => {
        const model = await GgufModel.open(writeGguf(join(folder.path, 'a.gguf'), tinyGguf('llama', { general })));
        return model.generationConfig();
      };
      const beside = { temperature: 0.2, top_p: 0.9, do_sample: true };
      const eos = { 'tokenizer.ggml.eos_token_id': 2 };
      assert.deepEqual(await generation(eos), { ...beside, eos_token_id: [2] });
      const own = { eos_token_id: [2], temperature: 0.5, do_sample: true };
      assert.deepEqual(await generation({ ...eos, 'general.sampling.temp': f32(0.5) }), own);
    });
  });

  it('recommended sampling', async () => {
    const general = {
      'general.sampling.temp': f32(0.7),
      'general.sampling.top_k': 20,
      'general.sampling.top_p': f32(0.8),
    };
    assert.deepEqual(await generationOf(general), {
      eos_token_id: [],
      temperature: 0.7,
      top_k: 20,
      top_p: 0.8,
      do_sample: true,
    });
  });
});
