import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type LoadOptions, loadModel } from '../../../../engine/load/loadModel.ts';
import { textPrompt } from '../../../../engine/prompt/prompt.ts';
import { openSource } from '../../../../engine/sources/openSource.ts';
import { type ImportOptions, importModel } from '../../../../engine/store/import/importModel.ts';
import { type Store, openStore } from '../../../../engine/store/store.ts';
import { tinyTokenizerJson } from '../../../fixtures/tokenizers/tiny.ts';
import { writeGguf } from '../../../support/engine/ggufFile.ts';
import { tinyGguf } from '../../../support/engine/tinyGguf.ts';
import { TINY_CONFIG, TinyFolder, safetensors, tinyTensors } from '../../../support/engine/tinyModel.ts';

describe('import', function () {
  this.timeout(60_000);
  let root: string;
  let store: Store;
  let folder: TinyFolder;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'airgap-import-'));
    store = await openStore({ folder: join(root, 'store'), sharedFolder: join(root, 'none') });
    folder = TinyFolder.model();
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
    folder.remove();
  });

  const logits = async (path: string, options: Partial<LoadOptions> = {}): Promise<Float32Array> => {
    const model = await loadModel(path, { backend: 'reference', kv: 'f32', ...options });
    try {
      const ids = [1, 5, 2, 9, 4, 8, 33, 7];
      return (await model.createSession().run(textPrompt(ids), { output: 'logits', last: ids.length })).values;
    } finally {
      await model.dispose();
    }
  };
  /** Name, type and shape of each packed tensor. */
  const packed = async (path: string) => {
    const checkpoint = await (await openSource(path)).checkpoint();
    await checkpoint.close();
    return [...checkpoint.tensors].map(([name, { dtype, shape }]) => [name, dtype, shape.join()] as const);
  };

  const goldens = ['mini-4k', 'mini-128k', 'medium-gqa', 'small-blocksparse', 'small-step2'];
  for (const weights of [undefined, 'q8', 'q4', 'q4m'] as const) {
    for (const golden of goldens) {
      it(`${golden} in ${weights ?? 'its default format'}: the same logits as loading the folder`, async () => {
        const source = resolve('test/fixtures/golden', golden);
        const entry = await importModel(source, store, { weights });
        assert.equal(entry.origin, 'packed');
        assert.deepEqual(await logits(entry.path), await logits(source, { weights }));
      });
    }
  }

  for (const stored of ['BF16', 'F16', 'F32'] as const) {
    it(`packs matrices of ${stored} in blocks, embedding and head in 8 bits, and copies vectors`, async () => {
      const source = TinyFolder.model({ dtype: stored, shards: 2 });
      const entry = await importModel(source.path, store, { weights: 'q4' });
      const types = new Map((await packed(entry.path)).map(([name, dtype]) => [name, dtype]));
      assert.equal(types.get('model.embed_tokens.weight'), 'Q8_0');
      assert.equal(types.get('lm_head.weight'), 'Q8_0');
      assert.equal(types.get('model.layers.1.self_attn.qkv_proj.weight'), 'Q4_0');
      assert.equal(types.get('model.norm.weight'), stored);
      assert.deepEqual(
        [...types.keys()].sort(),
        tinyTensors()
          .map(({ name }) => name)
          .sort(),
      );
      source.remove();
    });
  }

  it('keeps the texts of the model, its licence and its hashes', async () => {
    folder.json('tokenizer.json', tinyTokenizerJson({})).json('generation_config.json', { eos_token_id: 3 });
    folder.file('README.md', '---\nlicense: mit\n---\n').file('LICENSE', 'MIT').file('modeling.py', 'evil()');
    const config = { ...TINY_CONFIG, vocab_size: 1024 };
    folder.json('config.json', config).file('model.safetensors', safetensors(tinyTensors(config), 'BF16'));
    const entry = await importModel(folder.path, store, { name: 'My model' });
    const names = [
      'LICENSE',
      'README.md',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ];
    assert.deepEqual(readdirSync(entry.path).sort(), [...names, 'entry.json'].sort());
    assert.deepEqual(entry.files.map(({ name }) => name).sort(), names);
    for (const { name, bytes, sha256 } of entry.files) {
      assert.equal(statSync(join(entry.path, name)).size, bytes);
      assert.match(sha256!, /^[0-9a-f]{64}$/);
      assert.equal(statSync(join(entry.path, name)).mode & 0o777, process.platform === 'win32' ? 0o666 : 0o600);
    }
    assert.deepEqual([entry.name, entry.id, entry.licence], ['My model', 'My-model', 'mit']);
  });

  it('uses GGUF files where they lie, all of a split one', async () => {
    const path = writeGguf(join(root, 'tiny.gguf'), tinyGguf('llama'), { splits: 2 });
    const entry = await importModel(path, store);
    assert.deepEqual([entry.origin, entry.path, entry.name], ['reference', path, 'tiny']);
    assert.deepEqual(
      entry.files.map(({ name, bytes, sha256 }) => [join(root, name), bytes, sha256]),
      [path, path.replace('00001-of', '00002-of')].map((each) => [each, statSync(each).size, null]),
    );
    await store.remove(entry);
    assert.ok(statSync(path).size > 0);
  });

  it('uses a packed folder where it lies', async () => {
    const first = await importModel(folder.path, store, { name: 'first', weights: 'q8' });
    const second = await importModel(first.path, store, { name: 'second' });
    assert.deepEqual([second.origin, second.path], ['reference', first.path]);
  });

  it("names a model of Hugging Face's cache after its repository", async () => {
    const snapshot = join(root, 'models--me--Phi-3-mini/snapshots/abc');
    mkdirSync(snapshot, { recursive: true });
    for (const name of ['config.json', 'model.safetensors']) {
      writeFileSync(
        join(snapshot, name),
        name === 'config.json' ? JSON.stringify(TINY_CONFIG) : safetensors(tinyTensors(), 'BF16'),
      );
    }
    assert.equal((await importModel(snapshot, store)).name, 'Phi-3-mini');
    assert.equal((await importModel(join(root, 'models--me--Phi-3-mini'), store, { name: 'b' })).origin, 'packed');
  });

  it('gives the same model again, but says where its files have changed', async () => {
    const first = await importModel(folder.path, store);
    assert.deepEqual(await importModel(folder.path, store), first);
    const later = Date.now() / 1000 + 100;
    utimesSync(join(folder.path, 'model.safetensors'), later, later);
    await assert.rejects(
      importModel(folder.path, store),
      /was imported from here before, but the files have changed since/,
    );
  });

  it('two at once import it once; the second one waits', async () => {
    const waited: number[] = [];
    const options: ImportOptions = { name: 'both', onWait: (pid) => waited.push(pid) };
    const [a, b] = await Promise.all([
      importModel(folder.path, store, options),
      importModel(folder.path, store, options),
    ]);
    assert.deepEqual(a, b);
    assert.ok(waited.length >= 1, 'nobody waited');
    assert.deepEqual(readdirSync(join(store.folder, 'models')), ['both']);
  });

  const left = () => [readdirSync(join(store.folder, 'models')), readdirSync(join(store.folder, 'marks'))];

  it('a cancelled import leaves nothing', async () => {
    const cancel = new AbortController();
    const options = { signal: cancel.signal, onProgress: () => cancel.abort() };
    await assert.rejects(importModel(folder.path, store, options), /cancelled/);
    assert.deepEqual(left(), [[], []]);
  });

  for (const [what, value, says] of [
    ['NaN', NaN, /contains NaN or infinite weights/],
    ['a weight that its type cannot hold', 1e9, /contains a weight of 1.00e\+9, which is too large for q4/],
  ] as const) {
    it(`refuses ${what}, and leaves nothing`, async () => {
      const tensors = tinyTensors();
      tensors.find(({ name }) => name.includes('down_proj'))!.values[7] = value;
      folder.file('model.safetensors', safetensors(tensors, 'F32'));
      await assert.rejects(importModel(folder.path, store, { weights: 'q4' }), says);
      assert.deepEqual(left(), [[], []]);
    });
  }
});
