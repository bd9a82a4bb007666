import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BadModel } from '../errors.ts';
import { quoted } from './quoted.ts';

/** A file of a model, open for reading. Every method rejects with BadModel, in one sentence that names the file. */
export class ModelFile {
  readonly #handle: FileHandle;

  private constructor(
    handle: FileHandle,
    /** Name without its folder, as it stands in messages. */
    readonly name: string,
    readonly size: number,
    /** Time of the last change, in milliseconds. */
    readonly changed: number,
  ) {
    this.#handle = handle;
  }

  /** Opens a regular file that is not empty and not a stand-in for another one. */
  static async open(path: string): Promise<ModelFile> {
    const name = quoted(basename(path));
    // Looked at before it is opened, since opening a pipe waits for its writer.
    const info = await stat(path).catch((error: unknown) => {
      throw unreadable(name, error);
    });
    if (info.isDirectory()) throw new BadModel(`${name} is a folder, but should be a file.`);
    if (!info.isFile()) throw new BadModel(`${name} is not a regular file.`);
    if (info.size === 0) throw new BadModel(`${name} is empty; was the download interrupted?`);
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw unreadable(name, error);
    });
    const file = new ModelFile(handle, name, info.size, info.mtimeMs);
    try {
      await file.#refuseLfsPointer();
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Fills `into` with the bytes of the file that start at `position`. */
  async read(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await this.#handle
        .read(into, done, into.length - done, position + done)
        .catch((error: unknown) => {
          throw unreadable(this.name, error);
        });
      if (bytesRead === 0) throw new BadModel(`${this.name} ended while it was read.`);
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Git stores large files elsewhere; without its extension LFS a clone has texts of about 130 bytes in their places. */
  async #refuseLfsPointer(): Promise<void> {
    const start = Buffer.alloc(Math.min(this.size, LFS_POINTER.length));
    await this.read(start, 0);
    if (start.toString('latin1') !== LFS_POINTER) return;
    throw new BadModel(
      `${this.name} is a Git LFS pointer instead of the file itself; run "git lfs pull" in its folder, or download the file.`,
    );
  }
}

const LFS_POINTER = 'version https://git-lfs';

function unreadable(name: string, error: unknown): BadModel {
  const { code } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'does not exist',
    ENOTDIR: 'does not exist',
    EACCES: 'cannot be read: permission denied',
    EPERM: 'cannot be read: permission denied',
    ELOOP: 'is a link that leads back to itself',
    ENAMETOOLONG: 'has too long a name',
  };
  return new BadModel(`${name} ${known[code ?? ''] ?? `cannot be read (${code ?? String(error)})`}.`);
}
