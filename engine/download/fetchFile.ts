/** One file from a server to the disk: resumed where it broke off, tried again, checked before it gets its name. */
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { DownloadFailed, errorMessage } from '../errors.ts';
import { checkAnswer, webPage } from './answers.ts';
import { checkFile } from './checkFile.ts';
import { Interrupted, networkFailure, shown } from './failures.ts';
import type { HttpClient } from './http.ts';
import type { RemoteFile } from './hub.ts';
import { requestFile, type FollowedResponse } from './requestFile.ts';
import { retrying } from './retrying.ts';

export interface FetchOptions {
  http: HttpClient;
  signal: AbortSignal;
  /** Told after each piece: bytes of this file on the disk, those of earlier tries included. */
  onBytes?: (bytes: number) => void;
  /** Told while the hash is computed. */
  onChecked?: (bytes: number) => void;
}

/**
 * Downloads a file into a folder. Until it is complete and checked it is called `NAME.part`, and `NAME.part.json` says what
 * it is a part of; a file that an earlier try completed is checked again and left alone. Rejects with DownloadFailed, or with Cancelled; what has arrived stays for the next try, unless it has the wrong hash.
 */
export async function fetchFile(file: RemoteFile, folder: string, options: FetchOptions): Promise<void> {
  const path = join(folder, file.name);
  const part = `${path}.part`;
  const note = `${part}.json`;
  if (await isThere(file, path, options)) return;
  await keepOrForget(file, part, note);
  await retrying(() => download(file, part, options), { signal: options.signal, progress: () => sizeOf(part) });
  if (!(await checkFile(file, part, options))) {
    await rm(part);
    await rm(note);
    throw new DownloadFailed(
      `${file.name} from ${file.url.host} is not the file that it should be: its hash differs. It was deleted.`,
    );
  }
  await rename(part, path);
  await rm(note);
}

/** Whether an earlier try has completed the file. What the server has replaced since then, or never stated, is removed. */
async function isThere(file: RemoteFile, path: string, options: FetchOptions): Promise<boolean> {
  if (!(await stat(path).catch(() => undefined))) return false;
  if ((file.sha256 ?? file.gitHash) && (await checkFile(file, path, options))) return true;
  await rm(path);
  return false;
}

/** Bytes of a model's files that lie in a folder already and will not be downloaded again. */
export async function loadedBytes(files: readonly RemoteFile[], folder: string): Promise<number> {
  const sizes = files.map(async (file) => {
    const path = join(folder, file.name);
    const complete = await stat(path).catch(() => undefined);
    if (complete) return complete.size;
    const isSame = (await partOf(`${path}.part.json`)) === identity(file);
    return isSame ? ((await stat(`${path}.part`).catch(() => undefined))?.size ?? 0) : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Empties what an earlier try has left, unless it is a part of the same file. */
async function keepOrForget(file: RemoteFile, part: string, note: string): Promise<void> {
  const wanted = identity(file);
  if (wanted !== undefined && (await partOf(note)) === wanted) return;
  // In this order: a part never lies beside a note that is not its own.
  await rm(part, { force: true });
  await saving(() => writeFile(note, JSON.stringify({ partOf: wanted ?? null }), { mode: 0o600 }));
}

/** What tells one state of a file from another; undefined where the server says nothing. */
function identity({ sha256, gitHash, etag }: RemoteFile): string | undefined {
  return sha256 ?? gitHash ?? etag;
}

async function partOf(note: string): Promise<string | undefined> {
  const schema = z.object({ partOf: z.string() });
  try {
    return schema.parse(JSON.parse(await readFile(note, 'utf8'))).partOf;
  } catch {
    // No note, or half a note: the part is not trusted.
    return undefined;
  }
}

async function download(file: RemoteFile, part: string, { http, signal, onBytes }: FetchOptions): Promise<void> {
  const start = await sizeOf(part);
  if (file.bytes !== null && start === file.bytes) return;
  const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  const { url, authorization, connection } = file;
  const response = await requestFile(http, url, { method: 'GET', headers, signal, authorization, connection });
  if (response.status === 416) {
    response.body.destroy();
    await rm(part, { force: true });
    throw new Interrupted(`${url.host} has less of ${file.name} than was downloaded: it starts again.`);
  }
  checkAnswer(response, { authorized: authorization !== undefined });
  // A server without ranges sends the whole file.
  const from = response.status === 206 ? start : 0;
  const total = checkSize(file, response, from);
  await writeBody(response, part, { from, total, signal, onBytes });
}

/** The file's size by the answer's headers; undefined if they do not say. Throws if it is another than expected. */
function checkSize(
  file: RemoteFile,
  { status, headers, body, url }: FollowedResponse,
  from: number,
): number | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  const stated = status === 206 ? Number(range?.[2]) : length;
  const total = stated !== undefined && Number.isSafeInteger(stated) ? stated : undefined;
  const isElsewhere = status === 206 && Number(range?.[1]) !== from;
  if (!isElsewhere && (file.bytes === null || total === undefined || total === file.bytes)) return file.bytes ?? total;
  body.destroy();
  throw new DownloadFailed(
    isElsewhere
      ? `${url.host} sends another part of ${file.name} than was asked for.`
      : `${shown(url)} has ${total} bytes instead of ${file.bytes}: it is another file.`,
  );
}

interface Writing {
  from: number;
  total: number | undefined;
  signal: AbortSignal;
  onBytes: ((bytes: number) => void) | undefined;
}

async function writeBody({ body, url }: FollowedResponse, part: string, writing: Writing): Promise<void> {
  const { from, total, signal, onBytes } = writing;
  const handle = await saving(() => open(part, from > 0 ? 'r+' : 'w', 0o600));
  let at = from;
  try {
    for await (const chunk of arriving(body, url, signal)) {
      if (at === 0 && looksLikePage(chunk)) throw webPage(url);
      if (total !== undefined && at + chunk.length > total) {
        throw new DownloadFailed(`${shown(url)} sends more than the ${total} bytes that it should have.`);
      }
      for (let written = 0; written < chunk.length;) {
        const rest = chunk.subarray(written);
        written += (await saving(() => handle.write(rest, 0, rest.length, at + written))).bytesWritten;
      }
      at += chunk.length;
      onBytes?.(at);
    }
    await saving(() => handle.sync());
  } finally {
    body.destroy();
    await handle.close();
  }
  if (total !== undefined && at < total) throw new Interrupted(`The connection to ${url.host} ended too early.`);
}

async function* arriving(body: AsyncIterable<Buffer>, url: URL, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw networkFailure(error, url, signal);
  }
}

/** No file of a model begins like this, whatever the answer's type says. */
function looksLikePage(chunk: Buffer): boolean {
  return /^\s*<(!doctype|html|head)/i.test(chunk.subarray(0, 256).toString('latin1'));
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** Runs a write to the disk, and says in one sentence why it failed. */
async function saving<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new DownloadFailed('The disk is full. What has arrived is kept: make room and try again.');
    }
    throw new DownloadFailed(`The download cannot be written: ${errorMessage(error)}.`);
  }
}
