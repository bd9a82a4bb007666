import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Importance } from '../../../../engine/calibrate/calibrate.ts';
import { BadRequest, Cancelled } from '../../../../engine/errors.ts';
import { loadModel } from '../../../../engine/load/loadModel.ts';
import { textPrompt } from '../../../../engine/prompt/prompt.ts';
import { openSource } from '../../../../engine/sources/openSource.ts';
import { type Calibration, importModel } from '../../../../engine/store/import/importModel.ts';
import { type Store, openStore } from '../../../../engine/store/store.ts';
import { decodeRows } from '../../../../kernels/stored/decodeRows.ts';
import { writeGguf } from '../../../support/engine/ggufFile.ts';
import { tinyGguf } from '../../../support/engine/tinyGguf.ts';
import { TinyFolder } from '../../../support/engine/tinyModel.ts';

const STARTER = 'media/starter';
const TEXT = readFileSync('engine/inference/session.ts', 'utf8');

describe('import with a calibration text', function () {
  this.timeout(120_000);
  let root: string;
  let store: Store;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'airgap-calibrated-'));
    store = await openStore({ folder: join(root, 'store'), sharedFolder: join(root, 'none') });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const calibration = (text = TEXT): Calibration => ({ text, backend: 'wasm', threads: 2 });
  const matrices = async (path: string) => {
    const checkpoint = await (await openSource(path)).checkpoint();
    try {
      const values = new Map<string, { dtype: string; values: Float32Array }>();
      for (const [name, { dtype, bytes, shape }] of checkpoint.tensors) {
        if (!name.includes('layers') || shape.length < 2) continue;
        const stored = new Uint8Array(bytes);
        await checkpoint.read(name, 0, stored);
        values.set(name, { dtype, values: decodeRows(stored, dtype).values });
      }
      return values;
    } finally {
      await checkpoint.close();
    }
  };
  const bytesHeld = async (path: string): Promise<number> => {
    const model = await loadModel(path, { backend: 'wasm', threads: 2 });
    const bytes = model.bytesHeld();
    await model.dispose();
    return bytes;
  };
  const errors = (got: Float32Array, want: Float32Array, importance: Float32Array): number => {
    return want.reduce((sum, x, i) => sum + importance[i % importance.length]! * (got[i]! - x) ** 2, 0);
  };

  it('packs matrices in 4.5 bits with smaller errors where they matter than the plain rules of 4.5 and 5 bits', async () => {
    const shares: number[] = [];
    let importance: Importance | undefined;
    const calibrated = await importModel(STARTER, store, {
      name: 'calibrated',
      calibration: {
        ...calibration(),
        onProgress: (doneBytes, totalBytes) => shares.push(doneBytes / totalBytes),
        onCalibrated: (result) => (importance = result),
      },
    });
    assert.ok(importance);
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => a - b),
    );
    assert.equal(shares.at(-1), 1);
    const [exact, got] = [await matrices(STARTER), await matrices(calibrated.path)];
    assert.deepEqual([importance.weights, importance.tokens >= 2048], ['f16', true]);
    const held: Record<string, number> = {};
    for (const weights of ['q4', 'q4m'] as const) {
      const { path } = await importModel(STARTER, store, { name: weights, weights });
      const plain = await matrices(path);
      held[weights] = await bytesHeld(path);
      for (const [name, { values, dtype }] of got) {
        assert.equal(dtype, 'Q4_K');
        const [error, most] = [values, plain.get(name)!.values].map((rounded) =>
          errors(rounded, exact.get(name)!.values, importance!.columns.get(name)!),
        );
        assert.ok(error! < most!, `${name}: ${error} against ${most} of ${weights}`);
      }
    }
    const model = await loadModel(calibrated.path, { backend: 'wasm', threads: 2 });
    const { values } = await model.createSession().run(textPrompt([5, 9, 3]), { output: 'logits' });
    await model.dispose();
    assert.equal(model.weights, 'q4k');
    // As much memory as q4, which has 4.5 bits per weight.
    assert.equal(await bytesHeld(calibrated.path), held['q4']);
    assert.ok(held['q4']! < held['q4m']!);
    assert.ok(values.every(Number.isFinite));
  });

  it('keeps nothing where it is cancelled while the model runs', async () => {
    const end = new AbortController();
    const onProgress = (done: number, total: number): void => (done > total / 2 ? end.abort() : undefined);
    const options = { name: 'cancelled', calibration: { ...calibration(), onProgress }, signal: end.signal };
    await assert.rejects(importModel(STARTER, store, options), Cancelled);
    assert.ok(!readdirSync(join(store.folder, 'models')).some((name) => name.includes('cancelled')));
  });

  it('says in one sentence why a text or a model cannot be calibrated', async () => {
    const noTokenizer = TinyFolder.model();
    const gguf = writeGguf(join(root, 'tiny.gguf'), tinyGguf('llama'));
    for (const [path, options, sentence] of [
      [STARTER, { calibration: calibration('short') }, /^The calibration text has \d+ tokens; at least 256 are needed/],
      [
        STARTER,
        { calibration: calibration(), weights: 'q8' },
        /^A calibration text is for weights of 4 bits, not for q8\.$/,
      ],
      [gguf, { calibration: calibration() }, /^The weights of .* are used as they are stored, so a calibration/],
      [noTokenizer.path, { calibration: calibration() }, /has no tokenizer, so it cannot be calibrated with a text\.$/],
    ] as const) {
      await assert.rejects(importModel(path, store, { name: 'refused', ...options }), (error: Error) => {
        assert.match(error.message, sentence);
        return error instanceof BadRequest || error.name === 'BadModel';
      });
    }
    noTokenizer.remove();
  });
});
