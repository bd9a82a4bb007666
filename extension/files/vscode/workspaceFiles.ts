/** The file systems of VS Code, which may be on another computer, behind the interface of the rules. */
import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { EntryKind, FileSystem } from '../fileSystem.ts';

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
