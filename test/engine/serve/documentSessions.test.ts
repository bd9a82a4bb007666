import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completeInDocument } from '../../../engine/document/completeInDocument.ts';
import { DocumentSession } from '../../../engine/document/documentSession.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { PrefillSpeed } from '../../../engine/document/prefillSpeed.ts';
import { KvDiskCache } from '../../../engine/inference/kvDiskCache.ts';
import { tinyTokenizerJson } from '../../fixtures/tokenizers/tiny.ts';
import { TINY_CONFIG, TinyFolder } from '../../support/engine/tinyModel.ts';
import { CHAT_TEMPLATE } from '../../support/engine/chatTemplate.ts';

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `  const value${from + i} = compute(${from + i});\n`).join('');

describe('a document with real sessions', function () {
  this.timeout(30_000);
  let folder: TinyFolder;
  before(() => {
    const specials = ['<|user|>', '<|assistant|>', '<|end|>'].map((content) => ({ content }));
    const config = { ...TINY_CONFIG, vocab_size: 1024, max_position_embeddings: 16_384, completion_prompt: 'instruct' };
    folder = TinyFolder.model({ config })
      .json('tokenizer.json', tinyTokenizerJson({ specials }))
      .json('tokenizer_config.json', { chat_template: CHAT_TEMPLATE });
  });
  after(() => folder.remove());

  const load = (diskCache?: LoadOptions['diskCache']) => loadModel(folder.path, { backend: 'wasm', diskCache });

  /** Types two keys; gives the tokens found and computed for each, and in the pause between them. */
  async function typeTwice(model: LoadedModel) {
    let inPause = { reused: 0, computed: 0 };
    const counting = {
      createSession: (...priority: Parameters<LoadedModel['createSession']>) => {
        const session = model.createSession(...priority);
        const prefill = async (...call: Parameters<typeof session.prefill>) =>
          (inPause = await session.prefill(...call));
        return {
          generate: session.generate,
          tokens: session.tokens,
          prefill,
          run: session.run.bind(session),
          saveToDisk: session.saveToDisk.bind(session),
          dispose: session.dispose.bind(session),
        };
      },
    };
    const document = new DocumentSession(counting, new PrefillSpeed());
    const type = (prefix: string) => {
      const request = { fileName: 'a.ts', languageId: 'typescript', prefix, suffix: `\n${lines(100, 200)}` };
      const options = { maxTokens: 2, multiline: 'auto' as const };
      return completeInDocument(model, document, { ...request, ...options }, new AbortController().signal);
    };
    const first = await type(`${lines(0, 100)}let x = 9`);
    await document.backgroundPrefill.runNow();
    const second = await type(`${lines(0, 100)}let x = 99`);
    await document.dispose();
    return { first, inPause, second };
  }

  it('the key after the pause computes only what it typed, in a prompt with the whole file', async () => {
    const model = await load();
    const { first, inPause, second } = await typeTwice(model);
    assert.equal(first.tokensReused, 0);
    assert.ok(inPause.computed > 3000, `${inPause.computed} computed in the pause`);
    assert.ok(second.tokensPrefilled <= 4 && second.tokensReused > 3000, `${second.tokensPrefilled} computed`);
    assert.deepEqual(second.seen.lines, [[1, 202]]);
    await model.dispose();
  });

  it('opened again in another process, it comes from the disk', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'airgap-read-'));
    const store = () => new KvDiskCache(assert.fail).keepIn({ folder: cache, maxBytes: 1e9 });
    const before = await load({ cache: store(), version: '1' });
    await typeTwice(before);
    await before.dispose();
    assert.equal(readdirSync(cache).length, 1);
    const after = await load({ cache: store(), version: '1' });
    const { inPause, second } = await typeTwice(after);
    await after.dispose();
    rmSync(cache, { recursive: true });
    assert.ok(inPause.computed < 10 && inPause.reused > 3000, `${inPause.computed} computed`);
    assert.ok(second.tokensPrefilled <= 4);
  });
});
