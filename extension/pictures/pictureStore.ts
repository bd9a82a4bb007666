/**
 * The pictures of a workspace's conversations: each once, as HASH.png in a folder that only the user can read. A picture
 * stays while a conversation refers to it or somebody holds it, as a draft does. No vscode.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UNFINISHED } from '../files/replaceFile.ts';
import { textFileOf } from '../ocr/pictureTexts.ts';
import { MOST_PIXELS, type Picture } from './picture.ts';
import { HEADER_BYTES, pngSize } from './pngHeader.ts';

const FILE = /^([0-9a-f]{64})\.png$/;
/** Drafts of other windows hold pictures, too; what is older and unused was left behind by a crash. */
const ABANDONED_MS = 86_400_000;

export interface PictureStoreHost {
  readonly folder: string;
  /** The hashes of all pictures in conversations, stored or open. */
  inConversations(): Promise<ReadonlySet<string>>;
}

/** A picture that arrives in pieces. */
export interface PictureFile {
  write(data: Uint8Array): Promise<void>;
  /** Keeps the picture and holds it once. Rejects with a sentence if it is not a PNG file of this size in pixels. */
  finish(name: string, size: { width: number; height: number }): Promise<Picture>;
  discard(): Promise<void>;
}

export class PictureStore {
  readonly #held = new Map<string, number>();
  /** Files are kept and deleted one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  readonly #host: PictureStoreHost;

  constructor(host: PictureStoreHost) {
    this.#host = host;
  }

  /** The absolute path of the picture's file; undefined if it is gone. */
  fileOf(hash: string): string | undefined {
    const path = this.#path(hash);
    return existsSync(path) ? path : undefined;
  }

  /** Begins a file that nobody else can read. */
  async create(): Promise<PictureFile> {
    const { folder } = this.#host;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const unfinished = join(folder, `${randomBytes(12).toString('hex')}${UNFINISHED}`);
    const file = await open(unfinished, 'wx', 0o600);
    const hash = createHash('sha256');
    const header = Buffer.alloc(HEADER_BYTES);
    let bytes = 0;
    const discard = async (): Promise<void> => {
      await file.close();
      await rm(unfinished, { force: true });
    };
    return {
      write: async (data) => {
        if (bytes < HEADER_BYTES) header.set(data.subarray(0, HEADER_BYTES - bytes), bytes);
        bytes += data.length;
        hash.update(data);
        await file.writeFile(data);
      },
      finish: async (name, { width, height }) => {
        const size = pngSize(header.subarray(0, bytes));
        if (size?.width !== width || size.height !== height || width * height > MOST_PIXELS) {
          await discard();
          throw new Error('The chat page has sent something that is not the announced picture.');
        }
        await file.close();
        const picture = { hash: hash.digest('hex'), name, width, height };
        return this.#exclusively(async () => {
          this.hold(picture.hash);
          const path = this.#path(picture.hash);
          await rename(unfinished, path);
          return { ...picture, file: path };
        });
      },
      discard,
    };
  }

  /** Keeps the picture until a release, whatever becomes of the conversations. */
  hold(hash: string): void {
    this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
  }

  /** Ends one hold, and deletes the picture if that was its last use. */
  async release(hash: string): Promise<void> {
    const left = (this.#held.get(hash) ?? 0) - 1;
    if (left > 0) this.#held.set(hash, left);
    else this.#held.delete(hash);
    if (left <= 0) await this.deleteUnused([hash]);
  }

  /** Deletes those of the pictures that nothing uses any more. */
  deleteUnused(hashes: Iterable<string>): Promise<void> {
    const candidates = [...new Set(hashes)];
    return this.#exclusively(async () => {
      if (candidates.length === 0) return;
      const used = await this.#host.inConversations();
      const unused = candidates.filter((hash) => !used.has(hash) && !this.#held.has(hash));
      const files = unused.flatMap((hash) => [this.#path(hash), textFileOf(this.#path(hash))]);
      await Promise.all(files.map((file) => rm(file, { force: true })));
    });
  }

  /** Deletes what a crash has left behind. */
  async deleteAbandoned(nowMs: number): Promise<void> {
    const names = await readdir(this.#host.folder).catch((): string[] => []);
    const old: string[] = [];
    for (const name of names) {
      const { mtimeMs } = await stat(join(this.#host.folder, name)).catch(() => ({ mtimeMs: nowMs }));
      if (nowMs - mtimeMs > ABANDONED_MS) old.push(name);
    }
    await this.deleteUnused(old.flatMap((name) => FILE.exec(name)?.[1] ?? []));
    const unfinished = old.filter((name) => name.endsWith(UNFINISHED));
    await Promise.all(unfinished.map((name) => rm(join(this.#host.folder, name), { force: true })));
  }

  #path(hash: string): string {
    if (!FILE.test(`${hash}.png`)) throw new RangeError('This is no hash of a picture.');
    return join(this.#host.folder, `${hash}.png`);
  }

  #exclusively<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(action);
    this.#queue = done.catch(() => {});
    return done;
  }
}
