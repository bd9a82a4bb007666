/** The workspace's folders as the project of the rules of apply. */
import * as vscode from 'vscode';
import { findFiles } from '../../files/vscode/findFiles.ts';
import { fileSystemOf } from '../../files/vscode/workspaceFiles.ts';
import { GitIgnore } from '../../reading/gitIgnore.ts';
import { walk } from '../../reading/walk.ts';
import type { Project, Root, Target } from '../project.ts';

/** Entries, each of which may take a way over a network. */
const MOST_WALKED = 2000;

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
      const { uris, unsearched } = await findFiles(`**/${literal}`, { most });
      const found = uris.filter(({ path }) => path.endsWith(`/${ending}`)).flatMap((uri) => targetOf(uri) ?? []);
      return [...found, ...(await walked(unsearched, `/${ending}`, most))];
    },
  };
}

/** The files in folders that VS Code does not search, up to a limit. */
async function walked(
  folders: readonly vscode.WorkspaceFolder[],
  ending: string,
  most: number,
): Promise<WorkspaceTarget[]> {
  const targets: WorkspaceTarget[] = [];
  for (const folder of folders) {
    const root = rootOf(folder);
    const git = new GitIgnore(root.files, root.path);
    const skips = (_path: string, _isFolder: boolean, ignored: boolean): boolean => ignored;
    for await (const path of walk(root.files, root.path, { git, skips, mostEntries: MOST_WALKED })) {
      if (path.endsWith(ending) && targets.push({ root, path }) === most) return targets;
    }
  }
  return targets;
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
