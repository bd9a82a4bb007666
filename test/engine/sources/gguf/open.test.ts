import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GgufModel } from '../../../../engine/sources/gguf/ggufModel.ts';
import { readGgufFile } from '../../../../engine/sources/gguf/ggufFile.ts';
import { openSource } from '../../../../engine/sources/openSource.ts';
import { STORED, type StoredType } from '../../../../kernels/stored/storedTypes.ts';
import { type GgufContent, ggufBytes, shardName, typed, writeGguf } from '../../../support/engine/ggufFile.ts';
import { refuses, withFolder } from '../../../support/engine/refusals.ts';
import { tinyGguf, vector, zeros } from '../../../support/engine/tinyGguf.ts';
import type { TinyFolder } from '../../../support/engine/tinyModel.ts';

const bytesOf = (bytes: Uint8Array, change: (view: DataView) => void): Uint8Array => {
  change(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  return bytes;
};

describe('the header of a GGUF file', () => {
  it('values of every type', () =>
    withFolder(async (folder) => {
      const metadata = {
        ...{ text: '\ufeff▁Wort', empty: '', yes: true, no: false, u8: typed('u8', 255), i8: typed('i8', -128) },
        ...{ u16: typed('u16', 65535), i16: typed('i16', -32768), u32: typed('u32', 2 ** 32 - 1), i32: -5 },
        ...{ f32: 0.5, u64: typed('u64', 2 ** 53 - 1), i64: typed('i64', -(2 ** 53 - 1)), f64: typed('f64', 0.1) },
        ...{ texts: ['a', '', 'ß'], numbers: [1, 2.5], none: [], truths: [true, false], bytes: typed('u8', [1, 2]) },
      };
      const path = writeGguf(join(folder.path, 'a.gguf'), { metadata, tensors: [] });
      const read = Object.fromEntries((await readGgufFile(path)).metadata);
      const plain = Object.entries(metadata).map(([key, value]) => [
        key,
        typeof value === 'object' && 'value' in value ? value.value : value,
      ]);
      assert.deepEqual(read, Object.fromEntries(plain));
    }));

  for (const [alignment, version] of [
    [32, 3],
    [32, 2],
    [8, 3],
    [64, 3],
    [4096, 3],
  ] as const) {
    it(`version ${version}, alignment ${alignment}: tensors lie where they were written`, () =>
      withFolder(async (folder) => {
        const tensors = [vector('a', [1, 2, 3]), vector('b', [4]), vector('c', [5, 6])];
        const content = { metadata: { 'general.architecture': 'llama' }, tensors };
        const path = writeGguf(join(folder.path, 'a.gguf'), content, { alignment, version });
        const file = readFileSync(path);
        for (const { name, start, bytes } of (await readGgufFile(path)).tensors) {
          assert.equal(start % alignment, 0);
          assert.deepEqual(
            new Uint8Array(file.subarray(start, start + bytes)),
            tensors.find((each) => each.name === name)!.bytes,
          );
        }
      }));
  }

  it('tensors of every stored type, with the sizes of their blocks', () =>
    withFolder(async (folder) => {
      const types = Object.keys(STORED) as StoredType[];
      const size = (type: StoredType) => (3 * 256 * STORED[type].blockBytes) / STORED[type].blockValues;
      const tensors = types.map((type) => ({ name: type, shape: [3, 256], type, bytes: new Uint8Array(size(type)) }));
      const { tensors: read } = await readGgufFile(writeGguf(join(folder.path, 'a.gguf'), { metadata: {}, tensors }));
      assert.deepEqual(
        read.map(({ type, shape, bytes }) => [type, shape, bytes]),
        types.map((type) => [type, [3, 256], size(type)]),
      );
    }));

  it('a header longer than what is read at first', () =>
    withFolder(async (folder) => {
      const words = Array.from({ length: 150_000 }, (_, i) => `word number ${i} of a long list`);
      const content = { metadata: { words, last: 7 }, tensors: [vector('a', [1])] };
      const path = writeGguf(join(folder.path, 'a.gguf'), content);
      const { metadata, tensors } = await readGgufFile(path);
      assert.deepEqual(metadata.get('words'), words);
      assert.equal(metadata.get('last'), 7);
      assert.equal(tensors.length, 1);
    }));

  const valid = (): Uint8Array => ggufBytes({ metadata: { a: 1 }, tensors: [vector('t', [1, 2])] });
  const withTensor = (tensor: object): Uint8Array =>
    ggufBytes({ metadata: {}, tensors: [{ ...vector('t', [1, 2]), ...tensor }] });
  // Positions in `valid`: magic 0, version 4, tensors 8, entries 16, key 24 (its text 32), type 33, value 37, name 41,
  // rank 50, size 54, tensor type 62, offset 66.
  for (const [name, bytes, says] of [
    ['another format', Buffer.from('PK\x03\x04 something else'), /^a\.gguf is not a GGUF file\.$/],
    ['a web page', Buffer.from('<!DOCTYPE html><html>'), /^a\.gguf is not a GGUF file\.$/],
    ['the format before GGUF', Buffer.from('tjgg\x03\0\0\0\0\0\0\0'), /in a format that came before GGUF/],
    ['three bytes', Buffer.from('GGU'), /is not a GGUF file/],
    ['six bytes', Buffer.from('GGUF\x03\0'), /is incomplete: it has 6 bytes/],
    ['nothing', Buffer.alloc(0), /^a\.gguf is empty; was the download interrupted\?$/],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n'),
      /Git LFS pointer .* run "git lfs pull"/,
    ],
    [
      'version 1',
      bytesOf(valid(), (view) => view.setUint32(4, 1, true)),
      /has GGUF version 1; versions 2 and 3 are supported/,
    ],
    ['big-endian numbers', bytesOf(valid(), (view) => view.setUint32(4, 3, false)), /is a big-endian GGUF file/],
    [
      'too many tensors',
      bytesOf(valid(), (view) => view.setBigUint64(8, 2n ** 63n, true)),
      /the number of tensors is 9223372036854775808, but there is room for \d+ bytes/,
    ],
    [
      'too many entries',
      bytesOf(valid(), (view) => view.setBigUint64(16, 1000n, true)),
      /the number of entries is 1000, but there/,
    ],
    [
      'a key beyond the file',
      bytesOf(valid(), (view) => view.setBigUint64(24, 2n ** 40n, true)),
      /the length of a text is 1099511627776, but there/,
    ],
    [
      'a key that is not UTF-8',
      bytesOf(valid(), (view) => view.setUint8(32, 0xff)),
      /the text at byte 32 is not valid UTF-8/,
    ],
    ['an unknown type of value', bytesOf(valid(), (view) => view.setUint32(33, 13, true)), /a has the unknown type 13/],
    ['no dimensions', bytesOf(valid(), (view) => view.setUint32(50, 0, true)), /the tensor t has 0 dimensions/],
    ['five dimensions', bytesOf(valid(), (view) => view.setUint32(50, 5, true)), /the tensor t has 5 dimensions/],
    [
      'a dimension of 0',
      bytesOf(valid(), (view) => view.setBigUint64(54, 0n, true)),
      /the tensor t has a dimension of 0/,
    ],
    ['a dimension beyond 2^53', bytesOf(valid(), (view) => view.setBigUint64(54, 2n ** 60n, true)), /beyond 2\^53/],
    [
      'a dimension beyond the file',
      bytesOf(valid(), (view) => view.setBigUint64(54, 1n << 40n, true)),
      /the tensor t ends at byte \d+, but the file has/,
    ],
    [
      'an offset beyond the file',
      bytesOf(valid(), (view) => view.setBigUint64(66, 64n, true)),
      /the tensor t ends at byte/,
    ],
    [
      'an offset between',
      bytesOf(valid(), (view) => view.setBigUint64(66, 4n, true)),
      /the tensor t starts at 4, which is no multiple of 32/,
    ],
    [
      'an unknown type of tensor',
      withTensor({ type: 99 }),
      /the tensor t is stored as type 99; supported are F32, F16/,
    ],
    ['a type that is not supported', withTensor({ type: 16 }), /the tensor t is stored as IQ2_XXS; supported are/],
    [
      'a row that is no number of blocks',
      withTensor({ type: 'Q4_0', shape: [2, 48] }),
      /has rows of 48 values, but Q4_0 stores blocks of 32/,
    ],
    [
      'a truth value of 2',
      bytesOf(ggufBytes({ metadata: { a: true }, tensors: [] }), (view) => view.setUint8(37, 2)),
      /a truth value is 2/,
    ],
    ['a number beyond 2^53', ggufBytes({ metadata: { a: typed('u64', 2 ** 60) }, tensors: [] }), /is beyond 2\^53/],
    [
      'an alignment of 0',
      ggufBytes({ metadata: { 'general.alignment': 0 }, tensors: [] }),
      /general\.alignment is not a number of bytes/,
    ],
    [
      'a list longer than the file',
      bytesOf(ggufBytes({ metadata: { a: ['x'] }, tensors: [] }), (view) => view.setBigUint64(41, 1n << 30n, true)),
      /the length of a is 1073741824, but there/,
    ],
    [
      'a list of lists',
      bytesOf(ggufBytes({ metadata: { a: ['x'] }, tensors: [] }), (view) => view.setUint32(37, 9, true)),
      /a is an array of arrays/,
    ],
    [
      'a tensor twice',
      ggufBytes({ metadata: {}, tensors: [vector('t', [1]), vector('t', [2])] }),
      /the tensor t stands there twice/,
    ],
  ] as [string, Uint8Array, RegExp][]) {
    it(`refused: ${name}`, () =>
      withFolder((folder) => {
        folder.file('a.gguf', bytes);
        return refuses(GgufModel.open(join(folder.path, 'a.gguf')), says);
      }));
  }

  it('refused: a key twice', () =>
    withFolder((folder) => {
      const bytes = ggufBytes({ metadata: { a: 1, b: 2 }, tensors: [] });
      bytes[Buffer.from(bytes).lastIndexOf('b')] = 'a'.charCodeAt(0);
      folder.file('a.gguf', bytes);
      return refuses(GgufModel.open(join(folder.path, 'a.gguf')), /the entry a stands there twice/);
    }));

  it('refused: two tensors that overlap', () =>
    withFolder((folder) => {
      const bytes = Buffer.from(ggufBytes({ metadata: {}, tensors: [zeros('one', [16]), zeros('two', [16])] }));
      bytes.writeBigUInt64LE(32n, bytes.indexOf('two') + 3 + 4 + 8 + 4);
      folder.file('a.gguf', bytes);
      return refuses(GgufModel.open(join(folder.path, 'a.gguf')), /the tensors one and two overlap/);
    }));

  it('refused: a file that was cut off', () =>
    withFolder((folder) => {
      const path = writeGguf(join(folder.path, 'a.gguf'), tinyGguf('llama'));
      truncateSync(path, readFileSync(path).length - 100);
      return refuses(GgufModel.open(path), /the tensor output\.weight ends at byte \d+, but the file has \d+/);
    }));

  it('refused: a file that changes between header and weights', () =>
    withFolder(async (folder) => {
      const path = writeGguf(join(folder.path, 'a.gguf'), tinyGguf('llama'));
      const model = await GgufModel.open(path);
      writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(1)]));
      await refuses(model.checkpoint(), /a\.gguf was changed while it was opened/);
    }));
});

describe('a GGUF model in several files', () => {
  const content: GgufContent = tinyGguf('llama', { general: { 'general.name': 'Tiny' } });
  const split = (folder: TinyFolder, splits = 3): string[] => {
    writeGguf(join(folder.path, 'tiny.gguf'), content, { splits });
    return Array.from({ length: splits }, (_, i) => join(folder.path, shardName('tiny', i + 1, splits)));
  };

  it('any of them opens the whole', () =>
    withFolder(async (folder) => {
      for (const path of split(folder)) {
        const model = await GgufModel.open(path);
        assert.equal(model.name, 'Tiny');
        const checkpoint = await model.checkpoint();
        assert.equal(checkpoint.tensors.size, content.tensors.length);
        const bytes = new Uint8Array(4);
        await checkpoint.read('lm_head.weight', 8, bytes);
        await checkpoint.close();
        assert.equal((JSON.parse(await model.fingerprint()) as unknown[]).length, 3);
      }
    }));

  it('a folder with all of them is one model', () =>
    withFolder(async (folder) => {
      split(folder);
      assert.equal((await openSource(folder.path)).name, 'Tiny');
    }));

  for (const missing of [1, 2, 3]) {
    it(`refused: shard ${missing} is missing`, () =>
      withFolder(async (folder) => {
        const paths = split(folder);
        rmSync(paths[missing - 1]!);
        const there = paths[missing % 3]!;
        await refuses(
          GgufModel.open(there),
          new RegExp(`^Shard ${missing} of 3 is missing; was the download interrupted\\?$`),
        );
      }));
  }

  it('refused: a shard under the name of another', () =>
    withFolder(async (folder) => {
      const [first, second] = split(folder);
      writeFileSync(second!, readFileSync(first!));
      await refuses(GgufModel.open(first!), /tiny-00002-of-00003\.gguf is not shard 2 of 3, as its name says/);
    }));

  it('refused: a shard that was renamed', () =>
    withFolder(async (folder) => {
      const [, second] = split(folder);
      writeFileSync(join(folder.path, 'part.gguf'), readFileSync(second!));
      await refuses(
        GgufModel.open(join(folder.path, 'part.gguf')),
        /part\.gguf is one of 3 files of a model, whose names must end in -00002-of-00003\.gguf/,
      );
    }));

  it('refused: fewer tensors than there should be', () =>
    withFolder(async (folder) => {
      const paths = split(folder, 2);
      const metadata = { 'split.no': typed('u16', 1), 'split.count': typed('u16', 2) };
      writeFileSync(paths[1]!, ggufBytes({ metadata, tensors: [] }));
      await refuses(GgufModel.open(paths[0]!), /The 2 files of tiny have 11 tensors instead of 21/);
    }));

  it('refused: a sibling that is a link out of the folder', () =>
    withFolder(async (folder) => {
      mkdirSync(join(folder.path, 'model'));
      writeGguf(join(folder.path, 'model', 'tiny.gguf'), content, { splits: 2 });
      const second = join(folder.path, 'model', shardName('tiny', 2, 2));
      writeFileSync(join(folder.path, 'elsewhere.gguf'), readFileSync(second));
      rmSync(second);
      symlinkSync('../elsewhere.gguf', second);
      const first = join(folder.path, 'model', shardName('tiny', 1, 2));
      await refuses(GgufModel.open(first), /tiny-00002-of-00002\.gguf is a link out of the model's folder/);
    }));
});
