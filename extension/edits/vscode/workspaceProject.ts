/** The workspace's folders as the project of the rules of apply. */
import * as vscode from 'vscode';
import { fileSystemOf } from '../../files/vscode/workspaceFiles.ts';
import type { Project, Root, Target } from '../project.ts';

interface WorkspaceRoot extends Root {
  readonly uri: vscode.Uri;
}

export type WorkspaceTarget = Target<WorkspaceRoot>;

export function workspaceProject(): Project<WorkspaceRoot> {
  return {
    roots: (vscode.workspace.workspaceFolders ?? []).map(rootOf),
    async filesEndingIn(ending, most) {
      // The characters of a pattern stand for themselves.
      const literal = ending.replace(/[[\]{}*?!]/g, '?');
      const found = await vscode.workspace.findFiles(`**/${literal}`, undefined, most);
      return found.filter(({ path }) => path.endsWith(`/${ending}`)).flatMap((uri) => targetOf(uri) ?? []);
    },
  };
}

/** Undefined for a file outside of the workspace. */
export function targetOf(uri: vscode.Uri): WorkspaceTarget | undefined {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  return folder && { root: rootOf(folder), path: uri.path };
}

export function uriOf({ root, path }: WorkspaceTarget): vscode.Uri {
  return root.uri.with({ path });
}

function rootOf({ name, uri }: Pick<vscode.WorkspaceFolder, 'name' | 'uri'>): WorkspaceRoot {
  return { name, uri, path: uri.path, files: fileSystemOf(uri) };
}
