/** Reads the selection in the terminal. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { withoutControls } from '../../reading/plainText.ts';

/**
 * The selected text of the active terminal; rejects with a sentence if there is none. VS Code provides it only through
 * the clipboard, whose text is then restored.
 */
export async function terminalSelection(): Promise<string> {
  const { clipboard } = vscode.env;
  const before = await clipboard.readText();
  // Without a selection, the command copies nothing, and the clipboard's text must not be mistaken for one. A clipboard
  // without text may hold an image, which could not be restored.
  const mark = before === '' ? '' : `airgap ${randomUUID()}`;
  try {
    if (mark !== '') await clipboard.writeText(mark);
    await vscode.commands.executeCommand('workbench.action.terminal.copySelection');
    const copied = await clipboard.readText();
    const text = copied === mark ? '' : withoutControls(copied).trim();
    if (text === '') throw new Error(vscode.l10n.t('Nothing is selected in the terminal.'));
    return text;
  } finally {
    if (mark !== '') await clipboard.writeText(before);
  }
}
