/** Has VS Code show a ghost text in an untitled document, and accepts it as a person would. */
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';

export interface GhostTextResult {
  readonly shown: boolean;
  /** Milliseconds from the request until it was accepted. */
  readonly ms: number;
  /** Why none can be expected; empty otherwise. */
  readonly problem: string;
}

const CODE = 'if __name__ == ';
const LIMIT_MS = 15_000;
const LOOK_EVERY_MS = 250;

/** The document is closed again. */
export async function tryGhostText(signal: AbortSignal): Promise<GhostTextResult> {
  const document = await vscode.workspace.openTextDocument({ language: 'python', content: CODE });
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  const end = document.positionAt(CODE.length);
  editor.selection = new vscode.Selection(end, end);
  const startedMs = performance.now();
  const elapsed = (): number => performance.now() - startedMs;
  try {
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    while (elapsed() < LIMIT_MS && document.getText() === CODE) {
      await delay(LOOK_EVERY_MS, undefined, { signal });
      // Does nothing where no ghost text is shown.
      await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
    }
    return { shown: document.getText() !== CODE, ms: elapsed(), problem: '' };
  } finally {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
}
