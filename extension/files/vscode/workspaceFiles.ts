/** The file systems of VS Code, which may be on another computer, behind the interface of the rules. */
import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import { addressElsewhere, pathElsewhere } from '../elsewhere.ts';
import type { EntryKind, FileSystem } from '../fileSystem.ts';
import { fromNative, toNative } from '../nodeFileSystem.ts';

/** The file system that holds `uri`. */
export function fileSystemOf(uri: vscode.Uri): FileSystem {
  const { fs } = vscode.workspace;
  const at = (path: string): vscode.Uri => uri.with({ path });
  return {
    async stat(path) {
      const stat = await orUndefined(fs.stat(at(path)));
      return stat && { kind: kindOf(stat.type), mtimeMs: stat.mtime, size: stat.size };
    },
    async list(folder) {
      const entries = (await orUndefined(fs.readDirectory(at(folder)))) ?? [];
      return entries.map(([name, type]) => ({ name, kind: kindOf(type) }));
    },
    async read(path) {
      return orUndefined(fs.readFile(at(path)));
    },
    async realPath(path) {
      // VS Code resolves links for no other scheme, and its workspaces there know none.
      if (uri.scheme !== 'file') return path;
      const found = await orUndefined(realpath(at(path).fsPath));
      return found && vscode.Uri.file(found).path;
    },
  };
}

/** Every file system that VS Code knows, with the paths of elsewhere.ts for those that are not this computer's. */
export const everyFileSystem: FileSystem = {
  stat: (path) => fileSystemAt(path).stat(uriAt(path).path),
  list: (folder) => fileSystemAt(folder).list(uriAt(folder).path),
  read: (path) => fileSystemAt(path).read(uriAt(path).path),
  realPath: async (path) => ((await fileSystemAt(path).realPath(uriAt(path).path)) === undefined ? undefined : path),
};

/** The path by which everyFileSystem, or this computer's file system, knows a file. */
export function pathOf(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? fromNative(uri.fsPath) : pathElsewhere(uri);
}

export function uriAt(path: string): vscode.Uri {
  const address = addressElsewhere(path);
  return address ? vscode.Uri.from(address) : vscode.Uri.file(toNative(path));
}

function fileSystemAt(path: string): FileSystem {
  return fileSystemOf(uriAt(path));
}

/** VS Code adds a bit of its own to the kind of what a link leads to. */
function kindOf(type: vscode.FileType): EntryKind {
  if (type === vscode.FileType.File) return 'file';
  return type === vscode.FileType.Directory ? 'folder' : 'other';
}

async function orUndefined<T>(answer: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch {
    return undefined;
  }
}
