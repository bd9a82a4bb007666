import { isAbsolute, join } from 'node:path';
import type * as z from 'zod';
import { throwIfAborted } from '../errors.ts';
import { quoted } from '../sources/quoted.ts';
import type { ListedModel } from '../wire/models.ts';
import type { Disk, DiskEntry } from './disk.ts';

/** A model that another program may have on this disk; it has not been opened. */
export interface Candidate {
  /** Of a file or folder, as a setting takes it. */
  readonly path: string;
  /** As the program calls it. */
  readonly name: string;
  readonly program: ListedModel['place'];
  /** The hash that the program states for the file, in hexadecimal digits; it has not been checked. */
  readonly sha256?: string | undefined;
  readonly licence?: string | undefined;
  /** Why it cannot be used, where that is known without opening it. */
  readonly problem?: string | undefined;
}

/** The computer that is searched. */
export interface Computer {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly disk: Disk;
}

/** Finds the models of one program. Rejects with Cancelled only. */
export type Program = (search: Search) => Promise<Candidate[]>;

/** More than any program keeps, if its folder is really its own. */
export const MOST_FILES = 10_000;
/** Settings and manifests have some kilobytes, licences up to a hundred. */
const MAX_TEXT_BYTES = 1 << 20;
/** Publisher, model, and some folders below, such as one per quantisation. */
const MOST_LEVELS = 8;

/** One program's search: what it may look at, how far it goes, and what it could not see. */
export class Search {
  /** Sentences about folders that could not be read, and about a search that ended early. */
  readonly notes: string[] = [];
  #left = MOST_FILES;
  #full = false;

  constructor(
    readonly computer: Computer,
    readonly signal: AbortSignal | undefined,
    /** For notes. */
    readonly program: string,
  ) {}

  get disk(): Disk {
    return this.computer.disk;
  }

  /** Text of a small file; undefined where there is none. */
  async text(path: string): Promise<string | undefined> {
    return (await this.disk.text(path, MAX_TEXT_BYTES)) ?? undefined;
  }

  /** Content of a small JSON file; undefined where there is none, and where it is not as it should be. */
  async json<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      return schema.parse(JSON.parse((await this.text(path)) ?? ''));
    } catch {
      return undefined;
    }
  }

  /** A variable of the environment; undefined where it is empty. */
  env(name: string): string | undefined {
    return this.computer.env[name]?.trim() || undefined;
  }

  /**
   * A path that a variable or a setting names, where it is absolute and on this computer; otherwise undefined. Looking at
   * a share of another computer would use the network.
   */
  local(path: string | undefined): string | undefined {
    if (path === undefined || !isAbsolute(path)) return undefined;
    if (this.computer.platform !== 'win32' || !/^[\\/]{2}/.test(path)) return path;
    this.notes.push(`${this.program}: ${quoted(path, 400)} is on another computer, and is not looked at.`);
    return undefined;
  }

  /** Path in the user's home. */
  home(...names: string[]): string {
    return join(this.computer.home, ...names);
  }

  /** Path in the folder for data that stays on this machine, as most programs' libraries find it. */
  localData(...names: string[]): string {
    const { platform } = this.computer;
    if (platform === 'win32')
      return join(this.local(this.env('LOCALAPPDATA')) ?? this.home('AppData', 'Local'), ...names);
    if (platform === 'darwin') return this.home('Library', 'Application Support', ...names);
    return join(this.local(this.env('XDG_DATA_HOME')) ?? this.home('.local', 'share'), ...names);
  }

  /** Path in the folder for settings and data that Windows copies to the user's other machines. */
  roamingData(...names: string[]): string {
    if (this.computer.platform !== 'win32') return this.localData(...names);
    return join(this.local(this.env('APPDATA')) ?? this.home('AppData', 'Roaming'), ...names);
  }

  /** Path in the folder for settings of programs that follow the conventions of Linux. */
  config(...names: string[]): string {
    return join(this.local(this.env('XDG_CONFIG_HOME')) ?? this.home('.config'), ...names);
  }

  /** Path in the folder for caches of programs that follow the conventions of Linux. */
  cache(...names: string[]): string {
    return join(this.local(this.env('XDG_CACHE_HOME')) ?? this.home('.cache'), ...names);
  }

  /** A folder's entries by name, with links followed. Empty where it is missing, and where it cannot be read, with a note. */
  async list(folder: string): Promise<DiskEntry[]> {
    throwIfAborted(this.signal);
    const found = await this.disk.list(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') {
        const why = error.code === 'EACCES' || error.code === 'EPERM' ? 'permission denied' : error.code;
        this.notes.push(`${this.program}: the folder ${quoted(folder, 400)} cannot be read (${why}).`);
      }
      return [];
    });
    const taken = found.slice(0, this.#left);
    this.#left -= taken.length;
    if (taken.length < found.length && !this.#full) {
      this.#full = true;
      this.notes.push(`${this.program}: only the first ${MOST_FILES} files were looked at.`);
    }
    const entries: DiskEntry[] = [];
    for (const entry of taken) {
      if (entry.kind !== 'link') entries.push(entry);
      else entries.push({ ...entry, kind: (await this.disk.stat(join(folder, entry.name)))?.kind ?? 'link' });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** All folders at and below `root` with their entries, each once although links lead in circles. */
  async *folders(root: string): AsyncGenerator<{ folder: string; entries: readonly DiskEntry[] }> {
    const seen = new Set<string>();
    const open = [{ folder: root, level: 0 }];
    for (let next = open.shift(); next; next = open.shift()) {
      const { folder, level } = next;
      const real = (await this.disk.realPath(folder)) ?? folder;
      if (seen.has(real)) continue;
      seen.add(real);
      const entries = await this.list(folder);
      yield { folder, entries };
      if (level === MOST_LEVELS) continue;
      for (const { name, kind } of entries) {
        if (kind === 'folder') open.push({ folder: join(folder, name), level: level + 1 });
      }
    }
  }
}
