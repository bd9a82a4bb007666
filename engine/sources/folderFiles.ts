import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BadModel } from '../errors.ts';
import { findJsonMistake } from './jsonMistake.ts';
import { refuseLinkOutside } from './links.ts';
import { ModelFile } from './modelFile.ts';

/** More than any published file of these kinds: the largest, Gemma's tokenizer.json, has 33 MB. */
const MAX_TEXT_BYTES = 64 << 20;

/** The files of one folder, by plain names. Links may lead to files in the folder or in the cache it belongs to. */
export class FolderFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether there is something of this name, if only a link to nothing. */
  async has(name: string): Promise<boolean> {
    return stat(join(this.#folder, name)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
    );
  }

  /** Rejects with BadModel, in one sentence that names the file. The caller closes it. */
  async open(name: string): Promise<ModelFile> {
    await refuseLinkOutside(this.#folder, name);
    return ModelFile.open(join(this.#folder, name));
  }

  /** Content of a file of at most `most` bytes; undefined where there is none. Rejects with BadModel. */
  async bytes(name: string, most = MAX_TEXT_BYTES): Promise<Buffer | undefined> {
    if (!(await this.has(name))) return undefined;
    const file = await this.open(name);
    try {
      if (file.size > most) throw new BadModel(`${name} has ${file.size} bytes; more than ${most} are not supported.`);
      const bytes = Buffer.alloc(file.size);
      await file.read(bytes, 0);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Text of a file, without a byte order mark; undefined where there is none. Rejects with BadModel. */
  async text(name: string, most?: number): Promise<string | undefined> {
    const bytes = await this.bytes(name, most);
    if (!bytes) return undefined;
    const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      throw new BadModel(`${name} is not valid UTF-8 text.`);
    }
  }

  /** Parsed content of a JSON file; undefined where there is none. Rejects with BadModel, which says where a mistake lies. */
  async json(name: string, most?: number): Promise<unknown> {
    const text = await this.text(name, most);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      const { line, column } = findJsonMistake(text);
      throw new BadModel(`${name} is not valid JSON: there is a mistake in line ${line}, column ${column}.`);
    }
  }
}
