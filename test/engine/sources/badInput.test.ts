import assert from 'node:assert/strict';
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadModel } from '../../../engine/errors.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { TINY_CONFIG, TinyFolder, safetensors, tinyTensors } from '../../support/engine/tinyModel.ts';

interface Row {
  name: string;
  spoil(folder: TinyFolder): void;
  says: RegExp;
}

const weights = (
  change: (header: Record<string, { shape: number[]; data_offsets: number[]; dtype: string }>) => void,
) => {
  return (folder: TinyFolder) =>
    void folder.file('model.safetensors', safetensors(tinyTensors(), 'BF16', change as (header: object) => void));
};
const config = (override: object) => (folder: TinyFolder) =>
  void folder.json('config.json', { ...TINY_CONFIG, ...override });
const withTensors = (change: (tensors: ReturnType<typeof tinyTensors>) => ReturnType<typeof tinyTensors>) => {
  return (folder: TinyFolder) => void folder.file('model.safetensors', safetensors(change(tinyTensors()), 'F32'));
};
const NORM = 'model.norm.weight';

const rows: Row[] = [
  {
    name: 'no config.json',
    spoil: (folder) => rmSync(join(folder.path, 'config.json')),
    says: /is not a model folder: it contains no config\.json/,
  },
  {
    name: 'config.json is not JSON',
    spoil: (folder) => void folder.file('config.json', '{'),
    says: /config\.json .* not valid JSON/,
  },
  {
    name: 'another architecture',
    spoil: config({ architectures: ['GemmaForCausalLM'] }),
    says: /GemmaForCausalLM is not supported/,
  },
  {
    name: 'no architecture',
    spoil: config({ architectures: undefined, model_type: undefined }),
    says: /config\.json names neither architectures nor a model_type/,
  },
  { name: 'a key of the wrong type', spoil: config({ hidden_size: '64' }), says: /config\.json: hidden_size/ },
  {
    name: 'heads that do not divide',
    spoil: config({ num_attention_heads: 5 }),
    says: /64 is not divisible by 5 heads/,
  },
  {
    name: 'key/value heads that do not divide',
    spoil: config({ num_key_value_heads: 3 }),
    says: /4 heads are not divisible by 3/,
  },
  {
    name: 'stop ids that are none',
    spoil: (folder) => void folder.json('generation_config.json', { eos_token_id: 'x' }),
    says: /^generation_config\.json: eos_token_id is neither a number nor a list of numbers\.$/,
  },
  {
    name: 'stop strings that are none',
    spoil: (folder) => void folder.json('generation_config.json', { stop_strings: [''] }),
    says: /^generation_config\.json: stop_strings is neither a text nor a list of texts\.$/,
  },
  { name: 'an unsupported activation', spoil: config({ hidden_act: 'gelu' }), says: /hidden_act/ },
  {
    name: 'rope factors of the wrong length',
    spoil: config({ rope_scaling: { type: 'longrope', short_factor: [1, 1], long_factor: [1, 1] } }),
    says: /rope_scaling has 2 values of short_factor, but the head size requires 8/,
  },
  {
    name: 'an unknown rope scaling',
    spoil: config({ rope_scaling: { type: 'yarn', short_factor: [1], long_factor: [1] } }),
    says: /rope_scaling: the rope_type "yarn" is not supported/,
  },
  {
    name: 'a missing tensor',
    spoil: withTensors((all) => all.filter(({ name }) => name !== NORM)),
    says: /do not contain model\.norm\.weight\./,
  },
  {
    name: 'an extra tensor',
    spoil: withTensors((all) => [...all, { name: 'model.extra', shape: [1], values: new Float32Array(1) }]),
    says: /contain model\.extra, which config\.json does not require/,
  },
  {
    name: 'a wrong shape',
    spoil: withTensors((all) =>
      all.map((each) => (each.name === NORM ? { ...each, shape: [32], values: each.values.slice(32) } : each)),
    ),
    says: /model\.norm\.weight has the shape \(32\), but config\.json requires \(64\)/,
  },
  {
    name: 'NaN weights',
    spoil: withTensors((all) =>
      all.map((each) => (each.name === NORM ? { ...each, values: each.values.fill(NaN) } : each)),
    ),
    says: /model\.norm\.weight contains NaN/,
  },
  {
    name: 'a weight beyond the range of its format',
    spoil: withTensors((all) =>
      all.map((each) => (each.name === 'lm_head.weight' ? { ...each, values: each.values.fill(1e6) } : each)),
    ),
    says: /lm_head\.weight contains a weight of 1\.00e\+6, which is too large for f16/,
  },
  {
    name: 'a truncated file',
    spoil: (folder) => truncateSync(join(folder.path, 'model.safetensors'), 5000),
    says: /model\.safetensors is truncated: .* the file has 5000/,
  },
  {
    name: 'a file of three bytes',
    spoil: (folder) => void folder.file('model.safetensors', 'abc'),
    says: /truncated: it has 3 bytes/,
  },
  {
    name: 'a header longer than the file',
    spoil: (folder) => void folder.file('model.safetensors', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 123])),
    says: /the header claims 16777216 bytes, but the file has 9/,
  },
  {
    name: 'a header that is not JSON',
    spoil: (folder) => void folder.file('model.safetensors', Buffer.from('\x03\0\0\0\0\0\0\0abc')),
    says: /the header is not valid JSON/,
  },
  {
    name: 'overlapping ranges',
    spoil: weights((header) => (header[NORM]!.data_offsets = [0, 128])),
    says: /overlap/,
  },
  {
    name: 'a range beyond the file',
    spoil: weights((header) => (header[NORM]!.data_offsets = [1e9, 1e9 + 128])),
    says: /truncated: model\.norm\.weight ends at byte/,
  },
  {
    name: 'a range of the wrong size',
    spoil: weights((header) => (header[NORM]!.data_offsets[1]! -= 2)),
    says: /model\.norm\.weight \(64\) needs 128 bytes, but the header assigns 126/,
  },
  {
    name: 'an unsupported number format',
    spoil: weights((header) => (header[NORM]!.dtype = 'I8')),
    says: /stored as I8/,
  },
  {
    name: 'an index that leaves the folder',
    spoil: (folder) =>
      void folder.json('model.safetensors.index.json', { weight_map: { a: '../../secret.safetensors' } }),
    says: /no valid weight_map/,
  },
  {
    name: 'a broken tokenizer',
    spoil: (folder) => void folder.json('tokenizer.json', { model: 3 }),
    says: /tokenizer\.json/,
  },
];

describe('a bad model folder gets one clear sentence', () => {
  for (const { name, spoil, says } of rows) {
    it(name, async () => {
      const folder = TinyFolder.model();
      try {
        spoil(folder);
        const before = readdirSync(folder.path);
        await assert.rejects(loadModel(folder.path, { backend: 'reference' }), (error: Error) => {
          assert.ok(error instanceof BadModel, `${error.name}: ${error.message}`);
          assert.match(error.message, says);
          assert.match(error.message, /^[^\n]+\.$/, 'one sentence');
          return true;
        });
        assert.deepEqual(readdirSync(folder.path), before, 'nothing is written');
      } finally {
        folder.remove();
      }
    });
  }

  it('no such folder', () =>
    assert.rejects(loadModel('/nowhere/at/all', { backend: 'reference' }), /\/nowhere\/at\/all does not exist\.$/));
  it('a file instead of a folder', async () => {
    const folder = new TinyFolder();
    writeFileSync(join(folder.path, 'x'), '');
    await assert.rejects(
      loadModel(join(folder.path, 'x'), { backend: 'reference' }),
      /x is neither a GGUF file nor the folder of a model/,
    );
    folder.remove();
  });
});
