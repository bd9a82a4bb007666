import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { modelLine } from '../../../engine/wire/models.ts';
import { DiskTree } from '../../support/engine/diskTree.ts';
import { airgapIn } from '../../support/engine/terminal.ts';

/** The small chat model is there beside the starter model in folders in which `npm start` ran. */
const notBundled = ({ place }: { place: string }): boolean => place !== 'bundled';

describe('airgap models', function () {
  this.timeout(60_000);
  let tree: DiskTree;
  beforeEach(() => (tree = new DiskTree()));
  afterEach(() => tree.remove());

  /** Runs the program for a user whose home is in the tree and who has set nothing. */
  const models = (...args: string[]) => run('models', ...args);
  const run = async (...args: string[]) => {
    const names = 'OLLAMA_MODELS HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE LLAMA_CACHE JAN_DATA_FOLDER';
    const unset = [
      ...names.split(' '),
      'XDG_CACHE_HOME',
      'XDG_DATA_HOME',
      'XDG_CONFIG_HOME',
      'APPDATA',
      'LOCALAPPDATA',
    ];
    mkdirSync(tree.home, { recursive: true });
    const env = {
      ...Object.fromEntries(unset.map((name) => [name, undefined])),
      ...{ HOME: tree.home, USERPROFILE: tree.home },
      ...{ AIRGAP_STORE: tree.path('store'), AIRGAP_SHARED_STORE: tree.path('shared') },
    };
    return airgapIn(env, ...args);
  };

  it('a line of JSON: the bundled model, those that were named, and with --all those of other programs', async () => {
    const file = tree.model('home/.lmstudio/models/p/m/f.gguf');
    const named = tree.model('named.gguf');
    const list = async (...args: string[]) => {
      const { code, stdout, stderr } = await models('--json', '--no-measure', ...args);
      assert.equal(code, 0, stderr);
      const line = modelLine.parse(JSON.parse(stdout));
      assert.ok(line.type === 'done');
      return line.models.map(({ place, path, problem, tokensPerSecond }) => ({
        place,
        path,
        problem,
        tokensPerSecond,
      }));
    };
    const [bundled, ...found] = await list(named);
    assert.deepEqual([bundled!.place, bundled!.problem], ['bundled', null]);
    const unmeasured = { problem: null, tokensPerSecond: null };
    assert.deepEqual(found.filter(notBundled), [{ place: 'named', path: named, ...unmeasured }]);
    const all = await list('--all', file);
    assert.deepEqual(all.filter(notBundled), [{ place: 'lmStudio', path: file, ...unmeasured }]);
  });

  it('a table for people, with the reason where a model cannot be used', async () => {
    tree.model('home/.lmstudio/models/p/m/f.gguf');
    const bad = tree.file('home/.lmstudio/models/p/m/bad.gguf', 'no model');
    const before = tree.snapshot().filter((line) => line.startsWith('home'));
    const { code, stdout, stderr } = await models('--all');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^name +kind +size +memory +context +tokens\/s +place +licence +hash$/m);
    assert.match(stdout, /^Starter model +safetensors BF16 +13\.4 MB .* 2,048 +~[\d.]+ +bundled +mit +unchecked$/m);
    assert.match(stdout, /^p\/m\/f +GGUF F32 .* 256 +~[\d.]+ +LM Studio +unchecked$/m);
    assert.ok(stdout.includes(`    ${bad}\n    cannot be used: bad.gguf is not a GGUF file.`), stdout);
    assert.deepEqual(
      tree.snapshot().filter((line) => line.startsWith('home')),
      before,
    );
  });

  it('a model of the store, as importing it said, and not once more as the other program’s', async () => {
    const file = tree.model('home/.lmstudio/models/p/m/f.gguf');
    const done = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      assert.equal(code, 0, stderr);
      const line = modelLine.parse(JSON.parse(stdout.trim().split('\n').at(-1)!));
      return line.type === 'done' ? line.models : assert.fail(stdout);
    };
    const [imported] = await done('import', file, '--name', 'Tiny');
    assert.deepEqual([imported!.id, imported!.origin, imported!.path], ['Tiny', 'reference', file]);
    const listed = await done('models', '--all', '--no-measure');
    // It has a chat template, but it was trained to complete.
    assert.equal(listed.find(({ name }) => name === 'Starter model')?.chat, false);
    assert.deepEqual(listed.filter(notBundled), [imported]);
  });

  it('a failure is a line of JSON as well', async () => {
    tree.file('store', 'a file');
    const { code, stdout } = await models('--json');
    assert.equal(code, 1);
    assert.match(stdout, /^\{"type":"failed","message":"The folder for models, .* is a file\."\}\n$/);
  });
});
