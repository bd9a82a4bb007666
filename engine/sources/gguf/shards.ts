import { join, dirname, basename } from 'node:path';
import { stat } from 'node:fs/promises';
import { BadModel } from '../../errors.ts';
import { refuseLinkOutside } from '../links.ts';
import { quoted } from '../quoted.ts';
import { type GgufFile, readGgufFile } from './ggufFile.ts';

/** NAME-00002-of-00003.gguf, as llama.cpp names the files of a model that is split. */
const SHARD_NAME = /^(.+)-(\d{5})-of-(\d{5})(\.gguf)$/i;

/** What the names of the files of a split model have in common; undefined for the name of a whole model. */
export function splitModel(name: string): string | undefined {
  const [, stem, , count] = SHARD_NAME.exec(name) ?? [];
  return stem === undefined ? undefined : `${stem} (${Number(count)} files)`;
}

/**
 * Reads the headers of all files of a model, of which `path` is one; the first has the metadata. Rejects with BadModel,
 * which names a missing file.
 */
export async function readShards(path: string): Promise<GgufFile[]> {
  const [, stem, , digits, extension] = SHARD_NAME.exec(basename(path)) ?? [];
  const count = Number(digits ?? 1);
  if (count <= 1) return [checkWhole(await readGgufFile(path))];
  const files: GgufFile[] = [];
  for (let number = 1; number <= count; number++) {
    const name = `${stem}-${String(number).padStart(5, '0')}-of-${digits}${extension}`;
    if (name !== basename(path)) await refuseLinkOutside(dirname(path), name);
    files.push(await readShard(join(dirname(path), name), number, count));
  }
  const tensors = files.reduce((sum, file) => sum + file.tensors.length, 0);
  const expected = files[0]!.metadata.get('split.tensors.count') ?? tensors;
  if (tensors !== expected) {
    throw new BadModel(
      `The ${count} files of ${quoted(stem!)} have ${tensors} tensors instead of ${String(expected)}.`,
    );
  }
  return files;
}

async function readShard(path: string, number: number, count: number): Promise<GgufFile> {
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  if (!there) throw new BadModel(`Shard ${number} of ${count} is missing; was the download interrupted?`);
  const file = await readGgufFile(path);
  const [no, splits] = [file.metadata.get('split.no'), file.metadata.get('split.count')];
  if (no === number - 1 && splits === count) return file;
  throw new BadModel(`${file.name} is not shard ${number} of ${count}, as its name says; its metadata says otherwise.`);
}

/** Refuses one file of a split model that was renamed, so that the others cannot be found. */
function checkWhole(file: GgufFile): GgufFile {
  const count = file.metadata.get('split.count') ?? 1;
  if (typeof count === 'number' && count <= 1) return file;
  const number = String(Number(file.metadata.get('split.no')) + 1).padStart(5, '0');
  const ending = `-${number}-of-${String(count).padStart(5, '0')}.gguf`;
  throw new BadModel(
    `${file.name} is one of ${quoted(String(count))} files of a model, whose names must end in ${quoted(ending)} and so on.`,
  );
}
