/** One sentence for the user, in VS Code's notices. */
import * as vscode from 'vscode';
import { errorMessage } from './errorMessage.ts';

export function inform(sentence: string): void {
  void vscode.window.showInformationMessage(withoutLinks(sentence));
}

export function warn(sentence: string): void {
  void vscode.window.showWarningMessage(withoutLinks(sentence));
}

/** Runs a command and shows its failure to the user, as one sentence. */
export async function told(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    warn(errorMessage(error));
  }
}

/** Notices make a link of `[text](command:…)`, which runs on a click: no file's name and no model may write one. */
export function withoutLinks(sentence: string): string {
  return sentence.replaceAll('](', '] (');
}
