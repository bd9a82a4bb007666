import assert from 'node:assert/strict';
import { chmodSync, linkSync } from 'node:fs';
import { type Disk, thisDisk } from '../../../engine/discovery/disk.ts';
import { findModels } from '../../../engine/discovery/findModels.ts';
import { MOST_FILES } from '../../../engine/discovery/search.ts';
import { DiskTree } from '../../support/engine/diskTree.ts';

describe('the search for models of other programs', () => {
  let tree: DiskTree;
  beforeEach(() => (tree = new DiskTree()));
  afterEach(() => tree.remove());
  const MODELS = 'home/.lmstudio/models';
  const paths = async (computer = tree.computer()): Promise<string[]> =>
    (await findModels(computer)).candidates.map(({ path }) => path.slice(tree.root.length + 1));

  it('links between folders are followed, in circles once', async () => {
    tree.file(`${MODELS}/a/b/m.gguf`);
    tree.file('disk/other/n.gguf');
    tree.link(`${MODELS}/a/b/up`, '../..');
    tree.link(`${MODELS}/a/self`, 'self');
    tree.link(`${MODELS}/a/ping`, 'pong');
    tree.link(`${MODELS}/a/pong`, 'ping');
    tree.link(`${MODELS}/c`, tree.path('disk'));
    tree.link(`${MODELS}/d`, tree.path('disk/other'));
    assert.deepEqual(await paths(), [`${MODELS}/d/n.gguf`, `${MODELS}/a/b/m.gguf`]);
  });

  it('the branch of a repository comes before its older revisions, whatever their names', async () => {
    const repository = 'home/.cache/huggingface/hub/models--o--m';
    for (const commit of ['a', 'b', 'c']) tree.file(`${repository}/snapshots/${commit.repeat(40)}/m.gguf`);
    tree.file(`${repository}/refs/main`, 'b'.repeat(40));
    const { candidates } = await findModels(tree.computer());
    assert.deepEqual(
      candidates.map(({ name }) => name),
      ['o/m/m', 'o/m@aaaaaaa/m', 'o/m@ccccccc/m'],
    );
  });

  it('the hashes that programs state for their files', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${a}` }];
    tree.json('home/.ollama/models/manifests/registry.ollama.ai/library/phi3/latest', { layers });
    tree.file(`home/.ollama/models/blobs/sha256-${a}`);
    const repository = 'home/.cache/huggingface/hub/models--o--m';
    tree.file(`${repository}/blobs/${b}`);
    tree.link(`${repository}/snapshots/${'0'.repeat(40)}/m.gguf`, `../../blobs/${b}`);
    tree.file(`${repository}/snapshots/${'0'.repeat(40)}/copied.gguf`);
    tree.file('home/.local/share/Jan/data/llamacpp/models/m/model.yml', `model_path: m.gguf\nmodel_sha256: ${c}\n`);
    const { candidates } = await findModels(tree.computer());
    assert.deepEqual(
      candidates.map(({ name, sha256 }) => [name, sha256]),
      [
        ['phi3:latest', a],
        ['o/m/copied', undefined],
        ['o/m/m', b],
        ['m', c],
      ],
    );
  });

  it('the models of the service that Linux has for Ollama', async () => {
    const digest = 'a'.repeat(64);
    const service = '/usr/share/ollama/.ollama/models';
    tree.file(`service/blobs/sha256-${digest}`);
    const layers = [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${digest}` }];
    tree.json('service/manifests/registry.ollama.ai/library/phi3/latest', { layers });
    const there = (path: string): string => path.replace(service, tree.path('service'));
    const disk: Disk = {
      list: (folder) => thisDisk.list(there(folder)),
      stat: (path) => thisDisk.stat(there(path)),
      realPath: (path) => thisDisk.realPath(there(path)),
      text: (path, most) => thisDisk.text(there(path), most),
    };
    const on = async (platform: NodeJS.Platform): Promise<string[]> =>
      (await findModels({ ...tree.computer(platform), disk })).candidates.map(({ path }) => path);
    assert.deepEqual(await on('linux'), [`${service}/blobs/sha256-${digest}`]);
    assert.deepEqual(await on('darwin'), []);
  });

  it('a share of another computer is not looked at, and said', async () => {
    const asked: string[] = [];
    const remote = (path: string): void => void (/^[\\/]{2}/.test(path) && asked.push(path));
    const disk: Disk = {
      list: (folder) => (remote(folder), thisDisk.list(folder)),
      stat: (path) => (remote(path), thisDisk.stat(path)),
      realPath: (path) => (remote(path), thisDisk.realPath(path)),
      text: (path, most) => (remote(path), thisDisk.text(path, most)),
    };
    const env = { OLLAMA_MODELS: '//server/models', HF_HOME: '//server/hf', LLAMA_CACHE: '//server/cache' };
    tree.json('home/.lmstudio/settings.json', { downloadsFolder: '//server/lm' });
    const { candidates, notes } = await findModels({ ...tree.computer('win32', env), disk });
    assert.deepEqual([candidates, asked], [[], []]);
    assert.deepEqual([...notes].sort(), [
      'Hugging Face: //server/hf is on another computer, and is not looked at.',
      'LM Studio: //server/lm is on another computer, and is not looked at.',
      'Ollama: //server/models is on another computer, and is not looked at.',
      'llama.cpp: //server/cache is on another computer, and is not looked at.',
    ]);
  });

  it('ends after 10,000 files, and says so', async () => {
    const list: Disk['list'] = async (folder) =>
      folder.endsWith('models')
        ? Array.from({ length: MOST_FILES + 1 }, (_, i) => ({ name: `${10_000 + i}.gguf`, kind: 'file' }))
        : thisDisk.list(folder);
    const { candidates, notes } = await findModels({ ...tree.computer(), disk: { ...thisDisk, list } });
    assert.equal(candidates.filter(({ program }) => program === 'lmStudio').length, MOST_FILES);
    assert.ok(notes.includes('LM Studio: only the first 10000 files were looked at.'), notes.join());
  });

  it('nearly 10,000 files and folders on a disk are gone through', async () => {
    for (let i = 0; i < 100; i++) {
      const file = tree.file(`${MODELS}/p/${i}/m.gguf`);
      for (let j = 0; j < 97; j++) linkSync(file, tree.path(MODELS, 'p', `${i}`, `${j}.txt`));
    }
    assert.equal((await paths()).length, 100);
  });

  it('can be cancelled', async () => {
    const controller = new AbortController();
    let lists = 0;
    const list: Disk['list'] = async (folder) => {
      if (++lists === 20) controller.abort();
      return thisDisk.list(folder);
    };
    for (let i = 0; i < 100; i++) tree.file(`${MODELS}/p/${i}/m.gguf`);
    await assert.rejects(findModels({ ...tree.computer(), disk: { ...thisDisk, list } }, controller.signal), {
      name: 'Cancelled',
    });
    assert.ok(lists < 40, `${lists} folders were listed`);
  });

  it('a folder without permission is said, and the others are found', async function () {
    if (process.getuid === undefined) {
      console.log('      skipped: this system has no user numbers');
      return this.skip();
    }
    tree.file(`${MODELS}/open/m/a.gguf`);
    tree.file(`${MODELS}/closed/m/b.gguf`);
    chmodSync(tree.path(MODELS, 'closed'), 0);
    chmodSync(tree.root, 0o755);
    const { candidates, notes } = await withoutPrivileges(() => findModels(tree.computer()));
    assert.deepEqual(
      candidates.map(({ path }) => path),
      [tree.path(MODELS, 'open/m/a.gguf')],
    );
    assert.deepEqual(notes, [
      `LM Studio: the folder ${tree.path(MODELS, 'closed')} cannot be read (permission denied).`,
    ]);
  });
});

/** Runs as a user whom permissions concern: they do not concern root, who runs the tests in containers. */
async function withoutPrivileges<T>(run: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  const NOBODY = 65534;
  if (isRoot) process.seteuid!(NOBODY);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}
