import { open, readdir, realpath, stat } from 'node:fs/promises';

/** The file system as discovery sees it: nothing in this interface changes anything. */
export interface Disk {
  /** The names in a folder, with what each of them is. Rejects as Node does. */
  list(folder: string): Promise<readonly DiskEntry[]>;
  /** What a path leads to, through links; null where there is nothing. */
  stat(path: string): Promise<DiskInfo | null>;
  /** The path without links; null where there is nothing. */
  realPath(path: string): Promise<string | null>;
  /** Text of a regular file of at most `most` bytes; null where there is none, or where it is larger or cannot be read. */
  text(path: string, most: number): Promise<string | null>;
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

export interface DiskInfo {
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
}

/** This machine's. */
export const thisDisk: Disk = {
  async list(folder) {
    const found = await readdir(folder, { withFileTypes: true });
    return found.map((entry) => ({ name: entry.name, kind: entry.isSymbolicLink() ? 'link' : kindOf(entry) }));
  },
  async stat(path) {
    const info = await stat(path).catch(() => null);
    return info && { kind: kindOf(info), bytes: info.size };
  },
  realPath: (path) => realpath(path).catch(() => null),
  async text(path, most) {
    // Looked at before it is opened, since opening a pipe waits for its writer.
    const info = await stat(path).catch(() => null);
    if (!info?.isFile() || info.size > most) return null;
    const file = await open(path, 'r').catch(() => null);
    try {
      return (await file?.readFile('utf8')) ?? null;
    } catch {
      return null;
    } finally {
      await file?.close();
    }
  },
};

function kindOf(info: { isFile(): boolean; isDirectory(): boolean }): 'file' | 'folder' | 'other' {
  return info.isFile() ? 'file' : info.isDirectory() ? 'folder' : 'other';
}
