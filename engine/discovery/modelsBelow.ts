import { join, relative, sep } from 'node:path';
import { ggufModels } from '../sources/gguf/modelNames.ts';
import { splitModel } from '../sources/gguf/shards.ts';
import type { Search } from './search.ts';

/** A model found by the names of its files. */
export interface FoundFiles {
  /** The GGUF file, or the folder in Hugging Face's layout. */
  readonly path: string;
  /** Its path below the root without ".gguf", with slashes; empty for the root itself. */
  readonly name: string;
}

/**
 * The GGUF files at and below `root` that are models of their own, and the folders in Hugging Face's layout. A folder that
 * has both counts by its GGUF files, as it does when it is opened.
 */
export async function modelsBelow(search: Search, root: string): Promise<FoundFiles[]> {
  const found: FoundFiles[] = [];
  for await (const { folder, entries } of search.folders(root)) {
    // Links to nothing are among them, so that the list says what is wrong with a model that the program shows.
    const names = entries.filter(({ kind }) => kind === 'file' || kind === 'link').map(({ name }) => name);
    const models = ggufModels(names);
    for (const name of models) found.push({ path: join(folder, name), name: nameBelow(root, join(folder, name)) });
    if (models.length === 0 && names.includes('config.json') && names.some((name) => name.endsWith('.safetensors')))
      found.push({ path: folder, name: nameBelow(root, folder) });
  }
  return found;
}

function nameBelow(root: string, path: string): string {
  const parts = relative(root, path).split(sep);
  const file = parts.pop()!;
  const stem = splitModel(file) === undefined ? file : file.replace(/-\d{5}-of-\d{5}\.gguf$/i, '');
  return [...parts, stem.replace(/\.gguf$/i, '')].join('/');
}
