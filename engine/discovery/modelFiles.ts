import { basename, dirname, join } from 'node:path';
import { ggufModels } from '../sources/gguf/modelNames.ts';
import { splitModel } from '../sources/gguf/shards.ts';
import type { Disk } from './disk.ts';

/** The files that hold a model's weights. */
export interface ModelFiles {
  readonly paths: readonly string[];
  /** Size of all of them that are there. */
  readonly bytes: number;
}

/** The weight files of the model at a path: a GGUF file with the other files of a split one, or those of a folder. */
export async function modelFiles(disk: Disk, path: string): Promise<ModelFiles> {
  const isFolder = (await disk.stat(path))?.kind === 'folder';
  const folder = isFolder ? path : dirname(path);
  const split = isFolder ? undefined : splitModel(basename(path));
  const names = isFolder || split !== undefined ? await namesIn(disk, folder) : [basename(path)];
  const paths = (isFolder ? weightNames(names) : names.filter((name) => splitModel(name) === split)).map((name) =>
    join(folder, name),
  );
  const sizes = await Promise.all(paths.map(async (each) => (await disk.stat(each))?.bytes ?? 0));
  return { paths, bytes: sizes.reduce((a, b) => a + b, 0) };
}

async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  const entries = await disk.list(folder).catch(() => []);
  return entries.flatMap(({ name, kind }) => (kind === 'folder' ? [] : [name])).sort();
}

/** safetensors files, else the GGUF model, else all: the store's own format. */
function weightNames(names: readonly string[]): readonly string[] {
  const safetensors = names.filter((name) => name.endsWith('.safetensors'));
  if (safetensors.length > 0) return safetensors;
  const [gguf] = ggufModels(names);
  if (gguf === undefined) return names;
  const split = splitModel(gguf);
  return split === undefined ? [gguf] : names.filter((name) => splitModel(name) === split);
}
