/** Reads the selection in the terminal. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { withoutControls } from '../../reading/plainText.ts';

/**
 * The selected text of the active terminal; rejects with a sentence where there is none. VS Code gives it only through
 * the clipboard, whose text is put back.
 */
export async function terminalSelection(): Promise<string> {
  const { clipboard } = vscode.env;
  const before = await clipboard.readText();
  // Without a selection the command copies nothing: what the clipboard held must not be taken for one. Where it holds
  // no text it may hold a picture, which could not be put back.
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
