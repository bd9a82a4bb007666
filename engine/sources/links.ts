import { realpath } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { BadModel } from '../errors.ts';
import { quoted } from './quoted.ts';

/**
 * Rejects with BadModel where a file of a model's folder is a link out of it, so that a folder from elsewhere cannot
 * reach other files of the user's. Only Hugging Face's cache may do so: snapshots/REVISION/ and the folders in it have
 * links to the files in blobs/, which lies beside snapshots/.
 */
export async function refuseLinkOutside(folder: string, name: string): Promise<void> {
  const target = await realpath(join(folder, name)).catch(() => null);
  if (target === null) return; // Opening the file says what is wrong.
  const own = await realpath(folder);
  const repository = /^(.*)[\\/]snapshots[\\/][^\\/]+(?:[\\/]|$)/.exec(own)?.[1];
  const allowed = repository === undefined ? [own] : [own, join(repository, 'blobs')];
  if (allowed.some((parent) => target.startsWith(parent.endsWith(sep) ? parent : parent + sep))) return;
  throw new BadModel(`${quoted(basename(name))} is a link out of the model's folder; put the file itself there.`);
}
