/**
 * The files below a folder. Links are left out: they lead to what is in the project anyway, or
 * to what is not part of it. No vscode.
 */
import { childOf, type FileSystem } from '../files/fileSystem.ts';
import { type GitIgnore, isIgnored } from './gitIgnore.ts';

export interface WalkOptions {
  readonly git: GitIgnore;
  /** Whether a file, or a folder with all that it holds, is left out. `ignored`: git ignores it. */
  skips(path: string, isFolder: boolean, ignored: boolean): boolean;
  /** The number of entries to look at before the walk ends early; all by default. */
  readonly mostEntries?: number;
  readonly signal?: AbortSignal;
}

/** Yields paths, those near the top first; returns whether the walk saw every entry. */
export async function* walk(
  files: FileSystem,
  top: string,
  { git, skips, mostEntries = Infinity, signal }: WalkOptions,
): AsyncGenerator<string, boolean> {
  const folders = [top];
  let seen = 0;
  // The loop also visits the folders that are added meanwhile.
  for (const folder of folders) {
    const entries = await files.list(folder);
    signal?.throwIfAborted();
    const rules = await git.rulesOf(folder, entries);
    for (const { name, kind } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (++seen > mostEntries) return false;
      const path = childOf(folder, name);
      const isFolder = kind === 'folder';
      if (kind === 'other' || name === '.git' || skips(path, isFolder, isIgnored(rules, path, isFolder))) continue;
      if (isFolder) folders.push(path);
      else yield path;
    }
  }
  return true;
}
