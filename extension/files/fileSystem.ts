/**
 * The file system as the rules of reading, applying and searching see it, so that they run in VS Code, in a worker
 * thread and in the terminal alike. Pure.
 *
 * Paths are absolute and use `/`, as the path of a file URI does: `/project/a.ts`, and `/c:/project/a.ts` on Windows.
 * elsewhere.ts writes those of other file systems.
 */

/** Implementations may answer at once or with a promise. */
export type Answer<T> = T | PromiseLike<T>;

export interface FileSystem {
  /** The entry at a path, without following a link; undefined if there is none or it must not be seen. */
  stat(path: string): Answer<FileStat | undefined>;
  /** The entries of a folder; none if it cannot be read. */
  list(folder: string): Answer<readonly DirectoryEntry[]>;
  /** The content of a file; undefined if it cannot be read. */
  read(path: string): Answer<Uint8Array | undefined>;
  /** The path with all links resolved; undefined if there is nothing at the path. */
  realPath(path: string): Answer<string | undefined>;
}

/** Links are of kind `other`, whatever they lead to. */
export type EntryKind = 'file' | 'folder' | 'other';

export interface FileStat {
  readonly kind: EntryKind;
  readonly mtimeMs: number;
  /** In bytes. */
  readonly size: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: EntryKind;
}

export function childOf(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** The folder that holds a path; the top of a file system holds itself. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  // The top of another file system is no folder of this one.
  if (end < 0 || (end === 1 && path.startsWith('//'))) return path;
  return path.slice(0, end) || '/';
}

/** Whether `path` is the folder itself or lies below it. Resolve links and `..` first. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(childOf(folder, ''));
}

/** `path` as seen from a folder that holds it. */
export function relativeTo(folder: string, path: string): string {
  return path.slice(childOf(folder, '').length);
}
