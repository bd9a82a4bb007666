/** Files that are written completely or not at all. No vscode. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The ending of files that are not finished; one that a crash left behind may be removed. */
export const UNFINISHED = '.tmp';

/**
 * Writes a file that only the user can read. It takes the place of an older one once `write` is done: readers see the old
 * content or the new one. Folders that are missing are made, for the user alone. If anything fails the older file stays,
 * and the promise rejects. `write` may sync the file to survive a power cut.
 */
export async function replaceFile(path: string, write: (file: FileHandle) => Promise<void> | void): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
  try {
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await write(file);
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
