/** Asks for picture files. */
import * as vscode from 'vscode';

/** The files that the user picks; none if the user cancels. `openLabel`: what the dialog's button says. */
export async function pickPictures(openLabel: string, canSelectMany: boolean): Promise<vscode.Uri[]> {
  const { t } = vscode.l10n;
  const uris = await vscode.window.showOpenDialog({
    canSelectMany,
    title: t('Choose a Picture'),
    openLabel,
    filters: { [t('Pictures')]: ['png', 'jpg', 'jpeg', 'webp', 'gif', 'bmp', 'avif'] },
  });
  return uris ?? [];
}
