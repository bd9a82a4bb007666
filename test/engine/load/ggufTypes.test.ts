import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadModel, type LoadOptions } from '../../../engine/load/loadModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { GgufModel } from '../../../engine/sources/gguf/ggufModel.ts';
import { decodeRows } from '../../../kernels/stored/decodeRows.ts';
import { STORED, type StoredType } from '../../../kernels/stored/storedTypes.ts';
import { assertWithin } from '../../support/close.ts';
import { type GgufContent, writeGguf } from '../../support/engine/ggufFile.ts';
import { tinyGguf } from '../../support/engine/tinyGguf.ts';
import { type TinyTensor, TinyFolder } from '../../support/engine/tinyModel.ts';
import { storedWeights } from '../../support/storedRows.ts';

type Architecture = Parameters<typeof tinyGguf>[0];

/** Rows of whole blocks of every type. */
const SIZES = { hidden: 256, mlp: 512, layers: 2, heads: 4, kvHeads: 2, headDim: 64, vocabulary: 128 };
const IDS = [3, 77, 120, 5, 64, 9];
const TYPES = Object.keys(STORED) as StoredType[];
/** As files are made in practice: more bits for some tensors. */
const MIXED: Readonly<Record<string, StoredType>> = {
  attn_v: 'Q6_K',
  ffn_down: 'Q6_K',
  ffn_gate: 'Q5_K',
  token_embd: 'Q8_0',
  attn_k: 'Q5_0',
  '': 'Q4_K',
};

/** Random weights, each matrix in the type that `typeOf` says. */
function randomGguf(architecture: Architecture, typeOf: (name: string) => StoredType): GgufContent {
  const { metadata, tensors } = tinyGguf(architecture, { sizes: SIZES });
  const filled = tensors.map((tensor, i) => {
    const { name, shape } = tensor;
    const values = shape.reduce((a, b) => a * b, 1);
    if (shape.length === 1) {
      const bytes = storedWeights(i + 1, values, 'F32', name.includes('norm') ? 1 : 0.2);
      return { ...tensor, bytes };
    }
    const type = typeOf(name);
    return { ...tensor, type, bytes: storedWeights(i + 1, values, type, 0.06) };
  });
  return { metadata, tensors: filled };
}

/** The same model as a Hugging Face folder with the values in f32, by rules of this test's own. */
async function dequantised(path: string): Promise<TinyFolder> {
  const model = await GgufModel.open(path);
  const checkpoint = await model.checkpoint();
  const tensors: TinyTensor[] = [];
  for (const [name, { shape, dtype, bytes, interleavedHead }] of checkpoint.tensors) {
    const stored = new Uint8Array(bytes);
    await checkpoint.read(name, 0, stored);
    const { values } = decodeRows(stored, dtype);
    const width = shape[1] ?? 1;
    // Row (head, side, pair) in Hugging Face's order is row (head, pair, side) here.
    const rowOf = (row: number): number => {
      if (interleavedHead === undefined) return row;
      const [inHead, half] = [row % interleavedHead, interleavedHead / 2];
      return row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    };
    const ordered = values.map((_, i) => values[rowOf(Math.floor(i / width)) * width + (i % width)]!);
    tensors.push({ name, shape: [...shape], values: ordered });
  }
  await checkpoint.close();
  return TinyFolder.model({ config: (await model.config()) as object, tensors, dtype: 'F32' });
}

async function logits(path: string, options: Partial<LoadOptions>): Promise<{ values: Float32Array; weights: string }> {
  const model = await loadModel(path, { backend: 'reference', kv: 'f32', ...options });
  const session = model.createSession();
  const { values } = await session.run(textPrompt(IDS), { output: 'logits', last: 3 });
  await session.dispose();
  await model.dispose();
  return { values, weights: model.weights };
}

function spread(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('GGUF files of random models', function () {
  this.timeout(60_000);

  const cases = (['llama', 'phi3', 'qwen2', 'qwen3'] as const).flatMap((architecture) => [
    ...TYPES.map((type) => [architecture, type as string, () => type] as const),
    [architecture, 'mixed', (name: string) => MIXED[Object.keys(MIXED).find((part) => name.includes(part))!]!] as const,
  ]);
  for (const [architecture, name, typeOf] of cases) {
    it(`${architecture}, ${name}: the logits of the published formulas, exact weights and the default format`, async () => {
      const folder = new TinyFolder();
      const path = writeGguf(join(folder.path, 'tiny.gguf'), randomGguf(architecture, typeOf));
      const plain = await dequantised(path);
      try {
        const { values: want } = await logits(plain.path, { weights: 'f32' });
        const one = spread(want);
        assert.ok(one > 0.3 && one < 10, `a spread of ${one}`);
        const exact = await logits(path, { weights: 'f32' });
        assertWithin(exact.values, want, 1e-5 * one, 'f32 weights on the reference');
        const kept = await logits(path, {});
        assertWithin(kept.values, want, 2e-2 * one, `the default, ${kept.weights}, on the reference`);
        if (architecture === 'llama') {
          const wasm = await logits(path, { backend: 'wasm', weights: 'f32' });
          assertWithin(wasm.values, want, 1e-3 * one, 'f32 weights on WASM');
        }
      } finally {
        folder.remove();
        plain.remove();
      }
    });
  }
});
