/** Which file an answer means. Paths in answers are untrusted: nothing outside of the workspace's folders is named. */
import { realpath } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import * as vscode from 'vscode';

/** More files of one name are no help in a list. */
const MAX_FILES = 20;

/** The files in the workspace that `path` may mean: at that very path, else with a path that ends so. */
export async function existingFiles(path: string): Promise<vscode.Uri[]> {
  const direct = await Promise.all(
    candidates(path).map(async (uri) => ((await exists(uri)) && (await isInWorkspace(uri)) ? [uri] : [])),
  );
  if (direct.flat().length > 0) return direct.flat();
  const relative = relativePath(path);
  if (relative === undefined) return [];
  const literal = relative.replace(/[[\]{}*?!]/g, '?');
  const found = await vscode.workspace.findFiles(`**/${literal}`, undefined, MAX_FILES);
  const ending = found.filter((uri) => uri.path.endsWith(`/${relative}`));
  const inside = await Promise.all(ending.map(async (uri) => ((await isInWorkspace(uri)) ? [uri] : [])));
  return inside.flat();
}

/** Where a new file of that path would lie; several with several folders, none where the path leads out. */
export async function newFiles(path: string): Promise<vscode.Uri[]> {
  const checked = await Promise.all(candidates(path).map(async (uri) => ((await isInWorkspace(uri)) ? [uri] : [])));
  return checked.flat();
}

/** Whether a file lies in a folder of the workspace, links followed. */
export async function isInWorkspace(uri: vscode.Uri): Promise<boolean> {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (!folder) return false;
  if (uri.scheme !== 'file') return true;
  const [root, target] = await Promise.all([realpath(folder.uri.fsPath).catch(() => ''), realPathOfNew(uri.fsPath)]);
  return root !== '' && (target === root || target.startsWith(root.endsWith(sep) ? root : root + sep));
}

export async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}

/** Of what exists; else that of the nearest folder that does, with the rest of the path. */
async function realPathOfNew(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path
      ? path
      : (await realPathOfNew(parent)) + path.slice(parent.endsWith(sep) ? parent.length - 1 : parent.length);
  }
}

function candidates(path: string): vscode.Uri[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const slashed = path.replaceAll('\\', '/');
  if (/^([a-z]:)?\//i.test(slashed)) {
    const absolute = slashed.startsWith('/') ? slashed : `/${slashed}`;
    if (hasDotDot(absolute)) return [];
    return folders
      .map(({ uri }) => uri.with({ path: absolute }))
      .filter((uri, index) => uri.path.startsWith(`${folders[index]!.uri.path.replace(/\/$/, '')}/`));
  }
  const relative = relativePath(path);
  if (relative === undefined) return [];
  const [first, ...rest] = relative.split('/');
  const named = rest.length > 0 && folders.length > 1 ? folders.filter(({ name }) => name === first) : [];
  if (named.length > 0) return named.map(({ uri }) => vscode.Uri.joinPath(uri, rest.join('/')));
  return folders.map(({ uri }) => vscode.Uri.joinPath(uri, relative));
}

/** Undefined where it is none, or leads upwards. */
function relativePath(path: string): string | undefined {
  const relative = path
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '')
    .trim();
  const bad = relative === '' || relative.startsWith('/') || relative.endsWith('/') || hasDotDot(relative);
  // Control characters and `:`, which names a drive, a scheme or a stream of a file.
  return bad || /[\p{Cc}:]/u.test(relative) ? undefined : relative;
}

function hasDotDot(path: string): boolean {
  return path.split('/').includes('..');
}
