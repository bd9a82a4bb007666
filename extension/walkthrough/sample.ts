/** The sample project's file in which the walkthrough's steps take place. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { WalkthroughContext } from './firstStart.ts';

/** Its folder beside the bundles, and where `npm start` opens a copy. */
const PROJECT = 'sample-project';
const FILE = 'typescript/garden.ts';
/** The beginning of a line whose rest the bundled models are sure of, and the line above it. */
export const BEGUN = 'for (const plant of ';
const ABOVE = 'const limit = days * 24 * 60 * 60 * 1000;';

/** Shows the file with the cursor on a line that is blank or no more than begun, which it makes where there is none. */
export async function openSample(context: WalkthroughContext): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(await sampleFile(context));
  const editor = await vscode.window.showTextDocument(document, { viewColumn: columnOf(document), preview: false });
  const above = document.getText().split(/\r?\n/).findIndex((line) => line.trim() === ABOVE); // prettier-ignore
  const { text, range, firstNonWhitespaceCharacterIndex } = document.lineAt(Math.max(0, above));
  const indent = text.slice(0, firstNonWhitespaceCharacterIndex);
  const place = range.end.line + 1;
  const isFree =
    place < document.lineCount && ['', BEGUN.trim(), `${BEGUN})`].includes(document.lineAt(place).text.trim());
  if (!isFree) await editor.edit((edits) => edits.insert(range.end, `\n${indent}`));
  const end = document.lineAt(place).text.replace(/\)$/, '').length;
  editor.selection = new vscode.Selection(place, end, place, end);
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  return editor;
}

/** The open project's own file where that is the sample project, else a copy that the user may change. */
async function sampleFile({ extension, globalStorageUri }: WalkthroughContext): Promise<vscode.Uri> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const open = folders.find(({ uri }) => basename(uri.path) === PROJECT);
  if (open && (await exists(vscode.Uri.joinPath(open.uri, FILE)))) return vscode.Uri.joinPath(open.uri, FILE);
  const copy = vscode.Uri.joinPath(globalStorageUri, PROJECT, FILE);
  if (!(await exists(copy)))
    await vscode.workspace.fs.copy(vscode.Uri.joinPath(extension.extensionUri, 'dist', PROJECT, FILE), copy);
  return copy;
}

/** Where it is open already; else beside the walkthrough, whose text stays in sight. */
function columnOf(document: vscode.TextDocument): vscode.ViewColumn {
  const shown = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  return shown?.viewColumn ?? (vscode.window.activeTextEditor ? vscode.ViewColumn.Active : vscode.ViewColumn.Beside);
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
