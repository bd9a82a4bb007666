/** The one output channel; its level is VS Code's own setting ("Developer: Set Log Level"). */
import * as vscode from 'vscode';

export function createLog(): vscode.LogOutputChannel {
  return vscode.window.createOutputChannel('Airgap', { log: true });
}
