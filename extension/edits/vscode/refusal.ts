/** Why a document may not be changed. */
import * as vscode from 'vscode';
import { nameOf } from '../../reading/vscode/textOf.ts';

/** A sentence for the user; empty if the document may be changed. */
export async function refusal(document: vscode.TextDocument): Promise<string> {
  const { uri } = document;
  if (!vscode.workspace.isTrusted) return vscode.l10n.t('Changes can only be applied in a trusted workspace.');
  if (uri.scheme === 'untitled') return '';
  const readonly = vscode.l10n.t('{0} is read-only.', nameOf(uri));
  if (vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) return readonly;
  try {
    const { permissions = 0 } = await vscode.workspace.fs.stat(uri);
    if (permissions & vscode.FilePermission.Readonly) return readonly;
    return (await losesCharacters(document))
      ? vscode.l10n.t(
          '{0} is not in UTF-8, as which it was opened: saving would destroy characters. Reopen it with its encoding first.',
          nameOf(uri),
        )
      : '';
  } catch {
    return vscode.l10n.t('{0} no longer exists.', nameOf(uri));
  }
}

/** Whether the document shows U+FFFD for bytes that are something else, so that saving it would write U+FFFD. */
async function losesCharacters(document: vscode.TextDocument): Promise<boolean> {
  if (!document.getText().includes('\uFFFD')) return false;
  const bytes = Buffer.from(await vscode.workspace.fs.readFile(document.uri));
  const isUtf16 = /^(?:fffe|feff)/.test(bytes.toString('hex', 0, 2));
  return !isUtf16 && !bytes.includes('\uFFFD');
}
