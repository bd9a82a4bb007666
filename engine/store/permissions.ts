import { stat } from 'node:fs/promises';
import { BadRequest } from '../errors.ts';
import { makeFolder } from './makeFolder.ts';

/**
 * Makes the folder where it is missing, for its owner alone. Rejects with BadRequest where it belongs to somebody else or
 * others may enter it. Windows keeps other users out of the local application data by its own access lists.
 */
export async function makePrivate(folder: string): Promise<void> {
  await makeFolder(folder, 0o700).catch((error: NodeJS.ErrnoException) => {
    throw new BadRequest(`The folder for models, ${folder}, cannot be made (${error.code}).`);
  });
  await checkPrivate(folder);
}

/** Rejects with BadRequest where others may enter the folder. A missing one is no mistake. */
export async function checkPrivate(folder: string): Promise<void> {
  const info = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new BadRequest(`The folder for models, ${folder}, cannot be read (${error.code}).`);
  });
  if (!info) return;
  if (!info.isDirectory()) throw new BadRequest(`The folder for models, ${folder}, is a file.`);
  if (process.platform === 'win32') return;
  if (info.uid !== process.getuid?.())
    throw new BadRequest(`The folder for models, ${folder}, belongs to another user; name one of your own.`);
  if ((info.mode & 0o077) !== 0) {
    throw new BadRequest(
      `The folder for models, ${folder}, must be one that only you can access; run "chmod 700" on it, or name another folder.`,
    );
  }
}

/** Whether only an administrator, or this user, can change what is in a folder that is shared. */
export async function isTrusted(folder: string): Promise<boolean> {
  if (process.platform === 'win32') return true;
  const { uid, mode } = await stat(folder);
  return (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0;
}
