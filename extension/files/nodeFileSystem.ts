/** This computer's file system, for worker threads and the terminal. It answers at once. No vscode. */
import { type Dirent, lstatSync, readdirSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import type { EntryKind, FileSystem } from './fileSystem.ts';

export const nodeFileSystem: FileSystem = {
  stat(path) {
    const stats = orUndefined(() => lstatSync(toNative(path)));
    return stats && { kind: kindOf(stats), mtimeMs: stats.mtimeMs, size: stats.size };
  },
  list(folder) {
    const entries = orUndefined(() => readdirSync(toNative(folder), { withFileTypes: true })) ?? [];
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  read(path) {
    return orUndefined(() => readFileSync(toNative(path)));
  },
  realPath(path) {
    const found = orUndefined(() => realpathSync(toNative(path)));
    return found && fromNative(found);
  },
};

/** A path of this computer as the rules write it. */
export function fromNative(path: string, windows = process.platform === 'win32'): string {
  if (!windows) return path;
  const slashed = path.replaceAll('\\', '/');
  return /^[a-z]:/i.test(slashed) ? `/${slashed}` : slashed;
}

/** A path of the rules as this computer's programs write it. */
export function toNative(path: string, windows = process.platform === 'win32'): string {
  if (!windows) return path;
  // "c:" alone would mean the current folder of that drive.
  const drive = /^\/([a-z]:)(\/?)/i.exec(path);
  return (drive ? `${drive[1]}/${path.slice(drive[0].length)}` : path).replaceAll('/', '\\');
}

function kindOf(entry: Dirent | Stats): EntryKind {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'other';
}

/** Files that have disappeared meanwhile, or that may not be read, count as absent. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
