/** The "New File" button of a code block. */
import * as vscode from 'vscode';
import { languageNamed } from '../../common/languages.ts';
import { newDocument } from '../../files/vscode/savedElsewhere.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';
import { type CodeBlock, newText } from '../placing/locate.ts';
import { blockLines } from '../placing/lines.ts';
import { exists, newTargets } from '../targets.ts';
import { confirmRunner } from './confirmRunner.ts';
import { uriOf, workspaceProject, type WorkspaceTarget } from './workspaceProject.ts';

/**
 * Opens the code as an unsaved document, with a path of its own if the answer names one that may be written to. Returns a
 * sentence that says why it cannot, or nothing.
 */
export async function newFile(block: CodeBlock): Promise<string> {
  const { code, language, path = '' } = block;
  const content = newText(block) ?? `${blockLines(code).join('\n')}\n`;
  if (path === '') {
    const document = await vscode.workspace.openTextDocument({ language: await languageIdOf(language), content });
    await vscode.window.showTextDocument(document);
    return '';
  }
  const targets = await newTargets(path, workspaceProject());
  if (targets.length === 0) return vscode.l10n.t('{0} is outside this workspace.', path);
  const target = await pickTarget(targets);
  if (!target) return '';
  const uri = uriOf(target);
  if (await exists(target)) return vscode.l10n.t('{0} already exists.', nameOf(uri));
  if (!(await confirmRunner(uri, '', content))) return '';
  const document = await newDocument(uri);
  const edit = new vscode.WorkspaceEdit();
  const end = document.positionAt(document.getText().length);
  edit.replace(document.uri, new vscode.Range(new vscode.Position(0, 0), end), content);
  await vscode.workspace.applyEdit(edit);
  await vscode.window.showTextDocument(document);
  return '';
}

/** The only place for a new file, or the one that the user picks. */
export async function pickTarget(targets: readonly WorkspaceTarget[]): Promise<WorkspaceTarget | undefined> {
  if (targets.length <= 1) return targets[0];
  const items = targets.map((target) => ({ label: nameOf(uriOf(target)), target }));
  const title = vscode.l10n.t('Select a location for the new file');
  return (await vscode.window.showQuickPick(items, { title }))?.target;
}

/** VS Code's identifier for the language of a fence; plain text if VS Code does not know the language. */
async function languageIdOf(name: string): Promise<string> {
  const id = languageNamed(name);
  return (await vscode.languages.getLanguages()).includes(id) ? id : 'plaintext';
}
