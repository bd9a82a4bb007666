/** Asks once more before a file changes that a program runs or obeys by itself. */
import * as vscode from 'vscode';
import { fileSystemOf } from '../../files/vscode/workspaceFiles.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';
import { type Runner, runnerOf } from '../runsByItself.ts';

/** Whether the file may become `after`: at once, or because the user, who is told what would run it, says so. */
export async function confirmRunner(uri: vscode.Uri, before: string, after: string): Promise<boolean> {
  // A link elsewhere may lead to such a file.
  const real = (await fileSystemOf(uri).realPath(uri.path)) ?? uri.path;
  const runner = [uri.path, real].map((path) => runnerOf(inWorkspace(uri.with({ path })), before, after)).find(Boolean);
  if (!runner) return true;
  const change = vscode.l10n.t('Change it');
  const question = vscode.l10n.t('Change {0}?', nameOf(uri));
  const answer = await vscode.window.showWarningMessage(question, { modal: true, detail: reasonOf(runner) }, change);
  return answer === change;
}

function inWorkspace(uri: vscode.Uri): string {
  return vscode.workspace.asRelativePath(uri, false);
}

function reasonOf(runner: Runner): string {
  const { t } = vscode.l10n;
  switch (runner) {
    case 'git':
      return t('Git may run commands from this file without asking.');
    case 'vscode':
      return t('VS Code may run commands from this file without asking.');
    case 'npm':
      return t('The scripts of this file change, and npm may run them without asking.');
    case 'buildServer':
      return t('A build server runs this file once it is pushed.');
    case 'container':
      return t('Commands from this file run when a container is built or opened.');
    case 'shell':
      return t('A shell may run this file without asking.');
    case 'packageManager':
      return t('A package manager obeys this file, which can change where packages come from.');
    case 'extension':
      return t('Extensions of VS Code may run this file without asking.');
  }
}
