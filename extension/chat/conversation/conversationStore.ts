/** Conversations on disk: one file each, in a folder that only the user can read. No vscode. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../files/replaceFile.ts';
import { asStored, type Conversation, conversationSchema } from './conversation.ts';

/**
 * File with the ID of the last open conversation. VS Code's window state may lack changes made just before a reload.
 */
const OPEN = 'open';
const FILE = /^([\w-]{1,100})\.json$/;

export class ConversationStore {
  /** Conversations last read or written, by ID, with the file's time and size to detect changes. */
  readonly #known = new Map<string, { stamp: string; conversation: Conversation }>();

  /** `report` receives the files that could not be read; corrupt ones have been renamed. */
  readonly #folder: string;
  readonly #report: (files: string[]) => void;

  constructor(folder: string, report: (files: string[]) => void) {
    this.#folder = folder;
    this.#report = report;
  }

  /** All conversations that can be read. */
  async all(): Promise<Conversation[]> {
    const ids = (await this.#names()).flatMap((name) => FILE.exec(name)?.[1] ?? []);
    return this.#readAll(ids);
  }

  /** Undefined if there is no such conversation, or it cannot be read. */
  async read(id: string): Promise<Conversation | undefined> {
    return (await this.#readAll([id]))[0];
  }

  /** Writes atomically: a new file replaces the old one once it is on disk. Rejects on failure. */
  async write(conversation: Conversation): Promise<void> {
    const stored = asStored(conversation);
    const path = this.#path(conversation.id);
    await replaceFile(path, async (file) => {
      await file.writeFile(JSON.stringify(stored));
      await file.sync();
    });
    this.#known.set(conversation.id, { stamp: await stampOf(path), conversation: stored });
  }

  /** Deletes permanently, including leftovers of interrupted writes and corrupt files that were renamed. */
  async remove(id: string): Promise<void> {
    this.#known.delete(id);
    const mine = (await this.#names()).filter((name) => name.startsWith(`${id}.json`));
    await Promise.all(mine.map((name) => rm(join(this.#folder, name), { force: true })));
  }

  /** The ID that was last remembered; the conversation may no longer exist. */
  async open(): Promise<string | undefined> {
    return readFile(join(this.#folder, OPEN), 'utf8').catch(() => undefined);
  }

  async rememberOpen(id: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#folder, OPEN), id, { mode: 0o600 });
  }

  async #readAll(ids: string[]): Promise<Conversation[]> {
    const found: Conversation[] = [];
    const unreadable: string[] = [];
    for (const id of ids) {
      try {
        found.push(await this.#read(id));
      } catch (error) {
        const path = this.#path(id);
        if (!isSystemError(error)) unreadable.push(await setAside(path));
        else if (error.code !== 'ENOENT') unreadable.push(path);
      }
    }
    if (unreadable.length > 0) this.#report(unreadable);
    return found;
  }

  async #read(id: string): Promise<Conversation> {
    const path = this.#path(id);
    const stamp = await stampOf(path);
    const known = this.#known.get(id);
    if (known?.stamp === stamp) return known.conversation;
    const conversation = conversationSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    if (conversation.id !== id) throw new SyntaxError('The file bears the name of another conversation.');
    this.#known.set(id, { stamp, conversation });
    return conversation;
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).sort();
    } catch (error) {
      if (isSystemError(error) && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Checks the ID, which may come from the page. */
  #path(id: string): string {
    const name = `${id}.json`;
    if (!FILE.test(name)) throw new RangeError('This is no name of a conversation.');
    return join(this.#folder, name);
  }
}

/** Renames a corrupt file. Returns its new path, or the old one if it cannot be renamed. */
async function setAside(path: string): Promise<string> {
  const aside = `${path}.${randomBytes(3).toString('hex')}.corrupt`;
  return rename(path, aside).then(
    () => aside,
    () => path,
  );
}

async function stampOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
