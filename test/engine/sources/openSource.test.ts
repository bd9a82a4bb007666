import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { GgufModel } from '../../../engine/sources/gguf/ggufModel.ts';
import { openSource } from '../../../engine/sources/openSource.ts';
import { shardName, writeGguf } from '../../support/engine/ggufFile.ts';
import { refuses, withFolder } from '../../support/engine/refusals.ts';
import { tinyGguf } from '../../support/engine/tinyGguf.ts';
import { TINY_CONFIG, type TinyFolder } from '../../support/engine/tinyModel.ts';

describe('what a path opens', () => {
  const gguf = (folder: TinyFolder, name: string): string => writeGguf(join(folder.path, name), tinyGguf('llama'));

  it('a folder with one GGUF file, beside its image part and a config.json', () =>
    withFolder(async (folder) => {
      gguf(folder, 'tiny-Q8_0.gguf');
      gguf(folder, 'mmproj-tiny.gguf');
      gguf(folder, 'org_tiny_mmproj-F16.gguf');
      gguf(folder, 'imatrix.gguf');
      gguf(folder, 'mtp-tiny.gguf');
      folder.json('config.json', { model_type: 'llama' });
      assert.equal((await openSource(folder.path)).name, 'tiny-Q8_0');
    }));

  it("a model's folder in Hugging Face's cache with one revision", () =>
    withFolder(async (folder) => {
      const revision = join(folder.path, 'snapshots', '0a1b2c');
      mkdirSync(revision, { recursive: true });
      mkdirSync(join(folder.path, 'blobs'));
      gguf(folder, join('blobs', '1234'));
      symlinkSync(join('..', '..', 'blobs', '1234'), join(revision, 'tiny.gguf'));
      assert.equal((await openSource(folder.path)).name, 'tiny');
      mkdirSync(join(folder.path, 'snapshots', '3d4e5f'));
      await refuses(openSource(folder.path), /has 2 revisions of a model; choose one of the folders/);
    }));

  it("a split model in a folder of Hugging Face's cache, whose shards are links to blobs", () =>
    withFolder(async (folder) => {
      const revision = join(folder.path, 'snapshots', '0a1b2c', 'Q4_K_M');
      mkdirSync(revision, { recursive: true });
      mkdirSync(join(folder.path, 'blobs'));
      writeGguf(join(folder.path, 'blobs', 'big.gguf'), tinyGguf('llama'), { splits: 2 });
      for (const shard of [1, 2].map((i) => shardName('big', i, 2)))
        symlinkSync(join('..', '..', '..', 'blobs', shard), join(revision, shard));
      assert.equal((await openSource(join(revision, shardName('big', 1, 2)))).name, 'big');
    }));

  it('a folder with safetensors and GGUF files is a folder', () =>
    withFolder(async (folder) => {
      gguf(folder, 'tiny.gguf');
      folder.json('config.json', TINY_CONFIG).file('model.safetensors', 'x');
      assert.deepEqual(await (await openSource(folder.path)).config(), TINY_CONFIG);
    }));

  it('a GGUF file under any name, and by a link', () =>
    withFolder(async (folder) => {
      gguf(folder, 'TINY.GGUF');
      gguf(folder, 'sha256-1234');
      symlinkSync('sha256-1234', join(folder.path, 'link.gguf'));
      const names = ['TINY.GGUF', 'sha256-1234', 'link.gguf'].map(
        async (name) => (await openSource(join(folder.path, name))).name,
      );
      assert.deepEqual(await Promise.all(names), ['TINY', 'sha256-1234', 'link']);
    }));

  it('refused: a folder with several models, which are named', () =>
    withFolder(async (folder) => {
      for (const name of ['b.gguf', 'a.gguf', shardName('c', 1, 2), shardName('c', 2, 2)]) gguf(folder, name);
      await refuses(
        openSource(folder.path),
        /contains several models: a\.gguf, b\.gguf and c-00001-of-00002\.gguf; choose one of these files/,
      );
    }));

  it('refused: another file, and nothing', () =>
    withFolder(async (folder) => {
      folder.file('notes.txt', 'text');
      await refuses(
        openSource(join(folder.path, 'notes.txt')),
        /notes\.txt is neither a GGUF file nor the folder of a model/,
      );
      await refuses(openSource(join(folder.path, 'nothing.gguf')), /nothing\.gguf does not exist/);
      await refuses(
        openSource(folder.path).then((source) => source.config()),
        /is not a model folder: it contains no config\.json/,
      );
    }));

  it('the name of a model: general.name on one line, or that of the file', () =>
    withFolder(async (folder) => {
      const named = (name: string) =>
        GgufModel.open(
          writeGguf(join(folder.path, 'file.gguf'), tinyGguf('llama', { general: { 'general.name': name } })),
        );
      assert.equal((await named('Tiny\nModel')).name, 'Tiny\ufffdModel');
      assert.equal((await named('  ')).name, 'file');
    }));
});
