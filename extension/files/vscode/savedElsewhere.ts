/** New files in file systems that VS Code does not save new documents to. */
import * as vscode from 'vscode';

/** VS Code saves a new document to the computer of its folder, so one for another file system would be misplaced. */
export function isSavedElsewhere({ scheme }: vscode.Uri): boolean {
  return scheme !== 'file' && scheme !== 'vscode-remote';
}

/** A new document that its file system will save: without a file where VS Code can do that, else of an empty one. */
export async function newDocument(uri: vscode.Uri): Promise<vscode.TextDocument> {
  if (!isSavedElsewhere(uri)) return vscode.workspace.openTextDocument(uri.with({ scheme: 'untitled' }));
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(uri);
  await vscode.workspace.applyEdit(edit);
  return vscode.workspace.openTextDocument(uri);
}
