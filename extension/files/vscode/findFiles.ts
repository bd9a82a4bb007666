/** VS Code's search for files, where it has one: in other extensions' file systems a search may wait for ever. */
import * as vscode from 'vscode';

export interface FindOptions {
  readonly exclude?: string | undefined;
  readonly most: number;
  readonly token?: vscode.CancellationToken;
}

export interface FoundFiles {
  readonly uris: readonly vscode.Uri[];
  /** Folders that were not searched. */
  readonly unsearched: readonly vscode.WorkspaceFolder[];
}

/** The files of the workspace that match a glob pattern. */
export async function findFiles(pattern: string, { exclude, most, token }: FindOptions): Promise<FoundFiles> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const unsearched = folders.filter((folder) => !isSearched(folder));
  const patterns =
    unsearched.length === 0
      ? [pattern]
      : folders.filter(isSearched).map((folder) => new vscode.RelativePattern(folder, pattern));
  const found = await Promise.all(patterns.map((each) => vscode.workspace.findFiles(each, exclude, most, token)));
  return { uris: found.flat(), unsearched };
}

function isSearched({ uri: { scheme } }: vscode.WorkspaceFolder): boolean {
  return scheme === 'file' || scheme === 'vscode-remote';
}
