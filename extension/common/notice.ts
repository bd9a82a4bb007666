/** One sentence for the user, in VS Code's notices. */
import * as vscode from 'vscode';

export function inform(sentence: string): void {
  void vscode.window.showInformationMessage(withoutLinks(sentence));
}

export function warn(sentence: string): void {
  void vscode.window.showWarningMessage(withoutLinks(sentence));
}

/** Notices make a link of `[text](command:…)`, which runs on a click: no file's name and no model may write one. */
export function withoutLinks(sentence: string): string {
  return sentence.replaceAll('](', '] (');
}
