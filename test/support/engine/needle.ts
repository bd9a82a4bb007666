import assert from 'node:assert/strict';
import { loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { backendReports } from '../../../engine/load/openBackend.ts';
import type { Backend } from '../../../engine/wire/protocol.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import type { KvDType, Sparsity } from '../../../kernels/ops.ts';
import { DENSE_CONFIG, KEYS, SPARSE_CONFIG, fillerToken, keyToken, needleModel, valueToken } from './needleModel.ts';
import type { TinyFolder } from './tinyModel.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';

/** Cases for dense and block-sparse attention and both formats of the cache, each with haystacks of these lengths. */
export function needleCases(backend: Backend, lengths: readonly number[]): void {
  for (const [pattern, config] of Object.entries({ dense: DENSE_CONFIG, 'block-sparse': SPARSE_CONFIG })) {
    describe(`a needle in a haystack on ${backend}, ${pattern} attention`, function () {
      this.timeout(600_000);
      let folder: TinyFolder | undefined;

      before(async function () {
        const report = (await backendReports({ allowSoftwareGpu: true })).find((r) => r.backend === backend)!;
        if (!report.usable) {
          console.log(`    skipped: ${report.reason}`);
          return this.skip();
        }
        folder = needleModel(config);
      });

      after(() => folder?.remove());

      for (const kv of ['f16', 'q8'] as const) {
        for (const length of lengths) {
          it(`${length} tokens, KV cache ${kv}: found at every depth that can be seen`, () =>
            findsNeedles(folder!.path, backend, kv, length));
        }
      }
    });
  }
}

/** Asks for every needle of a haystack of `length` tokens; finds those that the attention pattern lets it see, and no others. */
async function findsNeedles(path: string, backend: Backend, kv: KvDType, length: number): Promise<void> {
  const model = await loadModel(path, { backend, kv, allowSoftwareGpu: true });
  try {
    const { ids, positions } = haystack(length);
    const session = model.createSession();
    const visible = positions.map((position) => isVisible(model, length - 1, position + 1));
    assert.ok(visible.filter(Boolean).length >= KEYS / 2, 'the pattern hides most needles');
    for (let key = 0; key < KEYS; key++) {
      const { values, reused } = await session.run(textPrompt([...ids, keyToken(key)]), { output: 'argmax' });
      if (key > 0) assert.equal(reused, length - 1, 'the haystack is computed once');
      const found = values[0] === valueToken(key, valueOf(key));
      assert.equal(found, visible[key], `key ${key} at ${positions[key]} of ${length}: said ${values[0]}`);
    }
    await session.dispose();
  } finally {
    await model.dispose();
  }
}

const valueOf = (key: number): number => (key * 3 + 5) % KEYS;

/** length - 1 tokens: fillers, and at depths from the beginning to the end a key and the value that follows it. */
function haystack(length: number): { ids: number[]; positions: number[] } {
  const next = mulberry32(length);
  const ids = Array.from({ length: length - 1 }, () => fillerToken(next()));
  const positions = Array.from({ length: KEYS }, (_, key) => Math.floor((key / (KEYS - 1)) * (length - 4)));
  positions.forEach((position, key) => {
    ids[position] = keyToken(key);
    ids[position + 1] = valueToken(key, valueOf(key));
  });
  return { ids, positions };
}

/** Whether any head sees the position, by the closed formula; always true in dense attention. */
function isVisible({ config }: LoadedModel, from: number, position: number): boolean {
  if (!('sparsity' in config)) return true;
  const { blockTokens, localBlocks, vertStride, headStep } = config.sparsity as Sparsity;
  const kb = Math.floor(position / blockTokens);
  if (Math.floor(from / blockTokens) - kb < localBlocks) return true;
  return Array.from({ length: config.heads }, (_, h) => h).some((h) => (kb + h * headStep + 1) % vertStride === 0);
}
