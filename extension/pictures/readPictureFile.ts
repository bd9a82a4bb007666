/** Reads a picture file that the page is to decode. */
import * as vscode from 'vscode';
import { isRefused } from '../reading/vscode/exclusions.ts';
import { baseName, orSentence } from '../reading/vscode/textOf.ts';
import { MOST_BYTES } from './picture.ts';

/** Rejects with a sentence if the file must not or cannot be read. `excluded`: patterns of files that nothing reads. */
export async function readPictureFile(
  uri: vscode.Uri,
  excluded: readonly string[],
): Promise<{ name: string; data: Uint8Array<ArrayBuffer> }> {
  const { t } = vscode.l10n;
  const name = baseName(uri);
  if (isRefused(uri, excluded)) {
    throw new Error(
      t('{0} is not read because a setting excludes it or files with this name usually contain secrets.', name),
    );
  }
  const { fs } = vscode.workspace;
  const stat = await orSentence(fs.stat(uri), t('{0} cannot be read.', name));
  if (stat.type & vscode.FileType.Directory) throw new Error(t('{0} is a folder.', name));
  if (stat.size > MOST_BYTES) {
    throw new Error(t('{0} is larger than {1} MB, which is too large for a picture.', name, MOST_BYTES / 2 ** 20));
  }
  return { name, data: new Uint8Array(await orSentence(fs.readFile(uri), t('{0} cannot be read.', name))) };
}
