import * as vscode from 'vscode';
import type { Attachment } from './attachment.ts';

/** A URI whose scheme has no file system is treated as a document. */
export async function fileOrFolder(uri: vscode.Uri): Promise<Attachment> {
  const stat = await vscode.workspace.fs.stat(uri).then(undefined, () => undefined);
  const isFolder = stat !== undefined && (stat.type & vscode.FileType.Directory) !== 0;
  return { kind: isFolder ? 'folder' : 'file', uri: uri.toString() };
}
