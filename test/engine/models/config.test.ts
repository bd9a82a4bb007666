import assert from 'node:assert/strict';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { parsePhi3SmallConfig } from '../../../engine/models/phi3SmallConfig.ts';
import { SHAPES } from '../../bench/engine/shapes.ts';

const small = (override: object = {}): object => ({ ...SHAPES['phi-3-small'], ...override });
const FACTORS = new Array<number>(64).fill(1);
const rope = (override: object): object => ({
  rope_scaling: {
    type: 'su',
    short_factor: FACTORS,
    long_factor: FACTORS,
    original_max_position_embeddings: 8192,
    ...override,
  },
  max_position_embeddings: 131072,
});

describe('config.json of phi-3-small', () => {
  it('the released one: sizes, muP, pattern, dummy ids', () => {
    const config = parsePhi3SmallConfig(small());
    assert.deepEqual([config.headDim, config.intermediateSize, config.dummyIds.length], [128, 14336, 91]);
    assert.deepEqual([config.embeddingScale, config.logitDivisor, config.attentionScale], [10, 8, 1 / 128]);
    assert.deepEqual(config.sparsity, { blockTokens: 64, localBlocks: 16, vertStride: 8, headStep: 1 });
    const tensors = readBlueprint(small()).tensors;
    const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    assert.equal(parameters, 7_392_272_384);
  });

  it('derives what is not given', () => {
    const sizes = { ff_intermediate_size: null, ff_dim_multiplier: 8 };
    assert.equal(parsePhi3SmallConfig(small(sizes)).intermediateSize, 22016);
    const unscaled = { mup_use_scaling: false, mup_attn_multiplier: 3 };
    assert.equal(parsePhi3SmallConfig(small(unscaled)).attentionScale, 1 / Math.sqrt(128));
    assert.equal(parsePhi3SmallConfig(small({ blocksparse_homo_head_pattern: true })).sparsity.headStep, 0);
    assert.equal(parsePhi3SmallConfig(small({ blocksparse_vert_stride: 100 })).sparsity.headStep, 3);
  });

  it("has the released class's values where keys are absent, and none where they are null", () => {
    const keys = ['gegelu_limit', 'mup_width_multiplier', 'mup_embedding_multiplier', 'dense_attention_every_n_layers'];
    const values = (value: null | undefined): number[] => {
      const config = parsePhi3SmallConfig(small(Object.fromEntries(keys.map((key) => [key, value]))));
      return [config.gegeluLimit, config.logitDivisor, config.embeddingScale, config.denseEvery];
    };
    assert.deepEqual(values(undefined), [20, 8, 10, 2]);
    assert.deepEqual(values(null), [Number.MAX_SAFE_INTEGER, 1, 1, Infinity]);
  });

  it('LongRoPE magnitudes: as given, else 1 for short and the formula for long', () => {
    const magnitudes = (override: object): number[] => {
      const { longRope } = parsePhi3SmallConfig(small(rope(override)));
      return [longRope!.shortMagnitude, longRope!.longMagnitude];
    };
    assert.deepEqual(magnitudes({ short_mscale: 1.1, long_mscale: 1.2 }), [1.1, 1.2]);
    const [short, long] = magnitudes({ long_mscale: -1 });
    assert.equal(short, 1);
    assert.ok(Math.abs(long! - Math.sqrt(1 + Math.log(16) / Math.log(8192))) < 1e-12);
  });

  const refused: [string, object, RegExp][] = [
    [
      'heads that do not divide',
      { num_attention_heads: 33 },
      /^config\.json: hidden_size 4096 is not divisible by 33 heads\.$/,
    ],
    ['kv heads that do not divide', { num_key_value_heads: 5 }, /^config\.json: 32 heads are not divisible by 5 /],
    [
      'a block size that is no power of two',
      { blocksparse_block_size: 48 },
      /^config\.json: blocksparse_block_size 48 /,
    ],
    ['blocks of 8', { blocksparse_block_size: 8 }, /blocksparse_block_size 8 is not a power of two from 16/],
    ['no local block', { blocksparse_num_local_blocks: 0 }, /^config\.json: blocksparse_num_local_blocks: /],
    ['a negative stride', { blocksparse_vert_stride: -8 }, /^config\.json: blocksparse_vert_stride: /],
    ['a fraction', { dense_attention_every_n_layers: 1.5 }, /^config\.json: dense_attention_every_n_layers: /],
    [
      'rope factors of the wrong length',
      rope({ long_factor: [1, 2] }),
      /rope_scaling has 2 values of long_factor, .* 64\.$/,
    ],
    [
      'no original length',
      rope({ original_max_position_embeddings: undefined }),
      /rope_scaling\.original_max_position/,
    ],
    ['another activation', { hidden_act: 'gelu' }, /^config\.json: hidden_act: /],
    ['no word on the scale of attention', { mup_use_scaling: null }, /^config\.json: mup_use_scaling: /],
    ['no MLP size', { ff_intermediate_size: null }, /neither ff_intermediate_size nor ff_dim_multiplier is given/],
    ['a dummy id outside', { dummy_token_indices: [100352] }, /names 100352, the vocabulary has 100352 ids/],
  ];
  for (const [name, override, says] of refused) {
    it(`refuses ${name} in one sentence`, () => {
      assert.throws(
        () => readBlueprint(small(override)),
        (error: Error) => {
          assert.match(error.message, says);
          assert.equal(error.name, 'BadModel');
          return true;
        },
      );
    });
  }
});
