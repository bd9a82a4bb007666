import { type Dirent } from 'node:fs';
import { readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BadModel, errorMessage } from '../errors.ts';
import { replaceFile } from './durable.ts';
import { type EntryFile, NewerEntry, type StoreEntry, entryOf, isPlainName, parseEntry } from './entry.ts';
import { livingMarks } from './marks.ts';
import { isTrusted } from './permissions.ts';

/** The file that describes a model, in its folder. */
export const ENTRY = 'entry.json';

/** Models, and a sentence for each thing that is damaged. */
export interface Listing {
  readonly entries: StoreEntry[];
  readonly problems: string[];
}

/** Largest entry.json: a model has at most some hundred files. */
const MAX_ENTRY_BYTES = 1 << 20;

/**
 * Reads the models of a store; a missing folder has none. In the user's own store a damaged entry.json is renamed, and
 * written again where the model itself is there. The administrator's store is only read.
 */
export async function readModels(models: string, { shared }: { readonly shared: boolean }): Promise<Listing> {
  let found: Dirent[];
  try {
    found = await readdir(models, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { entries: [], problems: [] };
    const problem = `The folder ${models} cannot be read (${code}).`;
    if (!shared) throw new BadModel(problem);
    return { entries: [], problems: [problem] };
  }
  if (shared && found.length > 0 && !(await isTrusted(models))) {
    return { entries: [], problems: [`${models} is not used, because other users can change it.`] };
  }
  const listing: Listing = { entries: [], problems: [] };
  for (const { name: id } of found.filter((each) => each.isDirectory() && isPlainName(each.name))) {
    const folder = join(models, id);
    try {
      const text = await entryText(folder);
      if (text !== undefined) listing.entries.push(entryOf(folder, id, shared, parseEntry(text)));
      else await findAgain(folder, id, shared, 'has no entry.json', listing);
    } catch (error) {
      if (error instanceof NewerEntry) listing.problems.push(`The entry of ${id} in the store ${error.message}.`);
      else {
        if (!shared) await setAside(folder);
        await findAgain(folder, id, shared, `had an entry.json that ${errorMessage(error)}`, listing);
      }
    }
  }
  return listing;
}

async function entryText(folder: string): Promise<string | undefined> {
  const path = join(folder, ENTRY);
  const info = await stat(path).catch(() => null);
  if (!info) return undefined;
  if (!info.isFile() || info.size > MAX_ENTRY_BYTES) throw new BadModel('is not a file of that kind');
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BadModel(`cannot be read (${error.code})`);
  });
}

async function setAside(folder: string): Promise<void> {
  const path = join(folder, ENTRY);
  await rename(path, `${path}.damaged-${Date.now()}`).catch(() => undefined);
}

/** Adds the model that lies in a folder without a valid entry. */
async function findAgain(folder: string, id: string, shared: boolean, what: string, into: Listing): Promise<void> {
  const file = await describe(folder, id).catch(() => null);
  if (!file) {
    into.problems.push(`The store's folder ${id} ${what}, and there is no model in it.`);
    return;
  }
  if (!shared) await replaceFile(join(folder, ENTRY), `${JSON.stringify(file, null, 2)}\n`);
  into.problems.push(`The store's model ${id} ${what}; the model itself was found again.`);
  into.entries.push(entryOf(folder, id, shared, file));
}

/** What can be told about a model from its files alone; null where there is none. */
async function describe(folder: string, id: string): Promise<EntryFile | null> {
  const names = (await readdir(folder)).filter((name) => isPlainName(name) && !name.startsWith(ENTRY)).sort();
  const gguf = names.filter((name) => /\.gguf$/i.test(name));
  const path = names.includes('config.json') && gguf.length === 0 ? '.' : gguf[0];
  if (path === undefined) return null;
  const files = [];
  for (const name of names) {
    const info = await stat(join(folder, name));
    if (info.isFile()) files.push({ name, bytes: info.size, sha256: null });
  }
  const added = (await stat(folder)).mtime.toISOString();
  const origin = path === '.' ? 'packed' : 'downloaded';
  return { version: 1, name: id, path, origin, files, hash: 'unchecked', licence: null, source: null, added };
}

/** Removes what interrupted processes have left and nobody resumes. `marks` are those of living processes. */
export async function sweep(models: string, marks: string): Promise<void> {
  const names = await readdir(models).catch(() => []);
  for (const name of names) {
    const id = /^\.(.+)\.(unfinished|removed)$/.exec(name)?.[1];
    if (id === undefined || (await livingMarks(marks, `${id.toLowerCase()}.lock`)).length > 0) continue;
    await rm(join(models, name), { recursive: true, force: true });
  }
}
