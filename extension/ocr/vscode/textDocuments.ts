/**
 * Stored pictures and their texts as files that are named after the picture: the texts can be edited and saved, the
 * pictures read.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { replaceFile } from '../../files/replaceFile.ts';
import { PICTURE_TEXT_SCHEME } from '../pictureTexts.ts';

const TEXT = /\.txt$/;
const PICTURE = /\.(png|jpe?g|webp|gif|bmp|avif)$/i;

/** The document with the text of the picture with this hash. */
export function textDocumentUri(hash: string, name: string): vscode.Uri {
  return fileUri(hash, `${name}.txt`);
}

/** The picture whose context menu was used in the chat: `argument` is what VS Code then gives to a command. */
export function clickedPicture(argument: unknown): vscode.Uri | undefined {
  const { picture, name } = Object(argument) as { picture?: unknown; name?: unknown };
  if (typeof picture !== 'string' || typeof name !== 'string') return undefined;
  return fileUri(picture, PICTURE.test(name) ? name : `${name}.png`);
}

function fileUri(hash: string, name: string): vscode.Uri {
  return vscode.Uri.from({ scheme: PICTURE_TEXT_SCHEME, path: `/${hash}/${name.replaceAll(/[/\\]/g, '_')}` });
}

/**
 * Serves HASH.txt of a folder as `/HASH/NAME.txt`, and HASH.png by every other name. Nothing else can be opened, made or
 * removed.
 */
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
    if (!TEXT.test(uri.path)) throw vscode.FileSystemError.NoPermissions(uri);
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
    return join(this.#folder, `${hash}.${TEXT.test(uri.path) ? 'txt' : 'png'}`);
  }
}

async function found<T>(uri: vscode.Uri, file: Promise<T>): Promise<T> {
  try {
    return await file;
  } catch {
    throw vscode.FileSystemError.FileNotFound(uri);
  }
}
