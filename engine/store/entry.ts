import { isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { BadModel } from '../errors.ts';

const storedFile = z.object({
  /** Path below the model's path, with slashes. */
  name: z.string().refine((name) => !isAbsolute(name) && !/(^|[/\\])(\.\.)?([/\\]|$)/.test(name)),
  bytes: z.int().nonnegative(),
  /** In hexadecimal digits; null where it has not been computed yet. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

const facts = z.object({
  /** Name for the user, one of a kind in its store. */
  name: z.string().min(1).max(120),
  /** Whether the store refers to files that lie elsewhere, has made the files itself, or has files as published. */
  origin: z.enum(['reference', 'packed', 'downloaded']),
  /** The files that make up the model. */
  files: z.array(storedFile).min(1),
  /** As in engine/wire/models.ts. */
  hash: z.enum(['verified', 'stated', 'changed', 'unchecked']),
  licence: z.string().nullable(),
  /** Where it came from: a path, or the address of a repository. */
  source: z.string().nullable(),
});

/** A file of a model. */
export type StoredFile = z.output<typeof storedFile>;

/** What is said about a model when it is added. */
export type EntryFacts = z.output<typeof facts>;

/** The content of entry.json, which lies in the model's folder. */
const entryFile = facts.extend({
  version: z.literal(1),
  /** What a setting takes: absolute for a reference, otherwise a file of the model's folder, or "." for the folder. */
  path: z.string().refine((path) => isAbsolute(path) || path === '.' || isPlainName(path)),
  /** Time of adding, in ISO 8601. */
  added: z.iso.datetime(),
});
export type EntryFile = z.output<typeof entryFile>;

/** A model of a store. */
export interface StoreEntry extends EntryFacts {
  /** The name of its folder. */
  readonly id: string;
  /** Absolute path of a file or folder, as a setting takes it. */
  readonly path: string;
  readonly added: string;
  /** Size of its files. */
  readonly bytes: number;
  /** The hash of its only file; null where it has several, or where it has not been computed. */
  readonly sha256: string | null;
  /** Whether it lies in the administrator's store, where it cannot be changed. */
  readonly shared: boolean;
}

/** Parses entry.json. Throws BadModel where it is none, or one of a version that is not known. */
export function parseEntry(text: string): EntryFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new BadModel('is not valid JSON');
  }
  const version = z.object({ version: z.number().gt(1) }).safeParse(json);
  if (version.success) throw new NewerEntry(`was written by a newer version of Airgap`);
  const parsed = entryFile.safeParse(json);
  if (!parsed.success) throw new BadModel(`has no valid ${parsed.error.issues[0]!.path.join('.') || 'content'}`);
  return parsed.data;
}

/** An entry that is not damaged, but not known to this version. */
export class NewerEntry extends BadModel {}

/** The entry of the model in `folder`, whose last part is `id`. */
export function entryOf(folder: string, id: string, shared: boolean, { path, ...file }: EntryFile): StoreEntry {
  const { name, origin, files, hash, licence, source, added } = file;
  const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
  const sha256 = files.length === 1 ? files[0]!.sha256 : null;
  const absolute = isAbsolute(path) ? path : path === '.' ? folder : join(folder, path);
  return { id, name, path: absolute, origin, files, hash, licence, source, added, bytes, sha256, shared };
}

/** The name of a model's folder: that of the model, with characters that every file system takes. */
export function idOf(name: string): string {
  const id = name
    .normalize('NFKD')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 100);
  // Names of devices on Windows, also with an extension.
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(id) || id === '' ? `model-${id}` : id;
}

/** A name without folders, which is not hidden. */
export function isPlainName(name: string): boolean {
  return /^[^./\\][^/\\]*$/.test(name);
}
