import assert from 'node:assert/strict';
import { chooseFormats, matrixFormats } from '../../../engine/load/weightFormats.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import type { Checkpoint, CheckpointTensor } from '../../../engine/sources/checkpoint.ts';
import { type StoredType, storedBytes } from '../../../kernels/stored/storedTypes.ts';
import { SHAPES } from '../../bench/engine/shapes.ts';
import { architectureGolden } from '../../support/engine/architectureGoldens.ts';

const GOLDEN = architectureGolden('llama');
const { tensors: SPECS } = readBlueprint({ ...GOLDEN.config, hidden_size: 256, intermediate_size: 512, head_dim: 64 });

/** A checkpoint without data whose tensors have these types, by a part of their name; others are BF16. */
function checkpointOf(types: Readonly<Record<string, StoredType>>): Checkpoint {
  const stored = SPECS.flatMap(({ name, shape, parts }) =>
    parts ? parts.map((part) => ({ name: part.name, shape: [part.rows, ...shape.slice(1)] })) : [{ name, shape }],
  );
  const tensors = new Map<string, CheckpointTensor>(
    stored.map(({ name, shape }) => {
      const dtype = types[Object.keys(types).find((part) => name.includes(part)) ?? ''] ?? 'BF16';
      return [
        name,
        {
          shape,
          dtype,
          bytes: storedBytes(
            shape.reduce((a, b) => a * b, 1),
            dtype,
          ),
        },
      ];
    }),
  );
  return { tensors, order: [...tensors.keys()], read: async () => {}, close: async () => {} };
}

describe('formats of weights', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, StoredType>>, Readonly<Record<string, string>>])[] =
    [
      ['bf16 in a small model', {}, { qkv_proj: 'f16', embed_tokens: 'f16', 'model.norm': 'f32' }],
      [
        'what is stored in 4 bits is kept, each tensor for itself',
        { q_proj: 'Q4_1', k_proj: 'Q4_1', v_proj: 'Q4_1', o_proj: 'Q4_0', down_proj: 'Q6_K', embed_tokens: 'Q8_0' },
        { qkv_proj: 'q4m', o_proj: 'q4', down_proj: 'q6m', embed_tokens: 'q8', gate_up_proj: 'f16' },
      ],
      [
        'joined parts take a format that holds them all',
        { q_proj: 'Q4_K', k_proj: 'Q4_K', v_proj: 'Q6_K', gate_proj: 'Q4_0', up_proj: 'Q4_K' },
        { qkv_proj: 'q6m', gate_up_proj: 'q4m' },
      ],
      [
        'super-blocks are kept, joined with others of their kind too',
        { q_proj: 'Q4_K', k_proj: 'Q4_K', v_proj: 'Q5_K', o_proj: 'Q4_K', down_proj: 'Q5_K', embed_tokens: 'Q4_K' },
        { qkv_proj: 'q5k', o_proj: 'q4k', down_proj: 'q5k', embed_tokens: 'q4k' },
      ],
      ['a part in 16 bits makes 16 of the others', { q_proj: 'Q4_K' }, { qkv_proj: 'f16' }],
    ];
  for (const [name, types, formats] of cases) {
    it(name, () => {
      const specs = chooseFormats(SPECS, checkpointOf(types), undefined);
      for (const [part, format] of Object.entries(formats)) {
        assert.equal(specs.find((spec) => spec.name.includes(part))!.format, format, part);
      }
    });
  }

  it('a format that was asked for counts for all matrices; embedding and head have 8 bits at least', () => {
    const types = { q_proj: 'Q4_1', embed_tokens: 'Q4_1' } as const;
    for (const [asked, matrices, embedding] of [
      ['f32', 'f32', 'f32'],
      ['q8', 'q8', 'q8'],
      ['q4', 'q4', 'q8'],
      ['q4m', 'q4m', 'q8'],
    ] as const) {
      const specs = chooseFormats(SPECS, checkpointOf(types), asked);
      assert.equal(matrixFormats(specs), matrices);
      for (const { format } of specs.filter(({ role }) => role === 'embedding')) assert.equal(format, embedding);
    }
  });

  const small = { hidden_size: 768, intermediate_size: 512, num_attention_heads: 8, num_key_value_heads: 8 };
  for (const [size, changed, format] of [
    ['fewer than 50 million parameters', { ...small, num_hidden_layers: 2, vocab_size: 1024 }, 'f16'],
    ['fewer than a thousand million', { num_hidden_layers: 4 }, 'q8'],
    ['more', {}, 'q4'],
  ] as const) {
    it(`matrices stored in 16 bits, ${size}: ${format}`, () => {
      const { tensors } = readBlueprint({ ...SHAPES['phi-3-mini']!, ...changed });
      const stored = tensors.map(({ name, shape }) => [name, { shape, dtype: 'BF16', bytes: 0 }] as const);
      const checkpoint = { ...checkpointOf({}), tensors: new Map<string, CheckpointTensor>(stored) };
      assert.equal(matrixFormats(chooseFormats(tensors, checkpoint, undefined)), format);
    });
  }
});
