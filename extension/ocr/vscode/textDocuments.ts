/** The texts of stored pictures as documents that are named after the picture and can be edited and saved. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { replaceFile } from '../../files/replaceFile.ts';
import { PICTURE_TEXT_SCHEME } from '../pictureTexts.ts';

/** The document with the text of the picture with this hash. */
export function textDocumentUri(hash: string, name: string): vscode.Uri {
  const path = `/${hash}/${name.replaceAll(/[/\\]/g, '_')}.txt`;
  return vscode.Uri.from({ scheme: PICTURE_TEXT_SCHEME, path });
}

/** Serves HASH.txt of a folder as `/HASH/NAME.txt`, whatever the name. Nothing else can be opened, made or removed. */
export class TextDocuments implements vscode.FileSystemProvider {
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { size, mtimeMs, ctimeMs } = await found(uri, stat(this.#path(uri)));
    return { type: vscode.FileType.File, size, mtime: mtimeMs, ctime: ctimeMs };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return found(uri, readFile(this.#path(uri)));
  }

  /** A text whose picture is deleted stays deleted. */
  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    await this.stat(uri);
    await replaceFile(this.#path(uri), (file) => file.writeFile(content));
    this.#changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.FileNotADirectory(uri);
  }
  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  #path(uri: vscode.Uri): string {
    const [, hash] = /^\/([0-9a-f]{64})\/[^/]+$/.exec(uri.path) ?? [];
    if (hash === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return join(this.#folder, `${hash}.txt`);
  }
}

async function found<T>(uri: vscode.Uri, file: Promise<T>): Promise<T> {
  try {
    return await file;
  } catch {
    throw vscode.FileSystemError.FileNotFound(uri);
  }
}
