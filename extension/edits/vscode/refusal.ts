/** Why a document may not be changed. */
import * as vscode from 'vscode';
import { nameOf } from '../../reading/vscode/textOf.ts';

/** A sentence for the user; empty if the document may be changed. */
export async function refusal({ uri }: vscode.TextDocument): Promise<string> {
  if (!vscode.workspace.isTrusted) return vscode.l10n.t('Changes can only be applied in a trusted workspace.');
  if (uri.scheme === 'untitled') return '';
  const readonly = vscode.l10n.t('{0} is read-only.', nameOf(uri));
  if (vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) return readonly;
  try {
    const { permissions = 0 } = await vscode.workspace.fs.stat(uri);
    return permissions & vscode.FilePermission.Readonly ? readonly : '';
  } catch {
    return vscode.l10n.t('{0} no longer exists.', nameOf(uri));
  }
}
