/**
 * A model hub: where a model's files are, how large they are, and what the hub says their hashes are. The protocol is that of
 * the public hub, which mirrors speak as well; its client library `huggingface_hub` was the reference.
 *
 *   HEAD BASE/REPOSITORY/resolve/REVISION/FILE           a redirect to where the bytes are; X-Linked-Size and X-Linked-ETag
 *                                                        (SHA-256) for large files, else ETag (git's SHA-1 of the file);
 *                                                        X-Repo-Commit
 *   GET  BASE/api/models/REPOSITORY/revision/REVISION?blobs=true     the list of files with the same facts
 */
import { readdir } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as z from 'zod';
import { DownloadFailed } from '../errors.ts';
import { checkAnswer, readText } from './answers.ts';
import type { HubEntry } from './catalogue.ts';
import { withFileShares } from './fileShare.ts';
import { shown } from './failures.ts';
import type { Connection, HttpClient } from './http.ts';
import { requestFile, splitCredentials, type FollowedResponse } from './requestFile.ts';
import { retrying } from './retrying.ts';

/** The public hub. A setting, or AIRGAP_HUB in the terminal, names another one. */
export const PUBLIC_HUB = 'https://huggingface.co';

export interface Hub {
  /** Ends in a slash. */
  base: URL;
  http: HttpClient;
  authorization?: string;
}

/** A file as the hub describes it. */
export interface RemoteFile {
  /** Its name in the model's folder. */
  name: string;
  url: URL;
  authorization?: string | undefined;
  connection?: Connection | undefined;
  /** Null where nobody says it. */
  bytes: number | null;
  /** Lower-case hexadecimal, from the catalogue or from the hub. */
  sha256?: string;
  /** SHA-1 of git's object. */
  gitHash?: string;
  /** What else identifies this state of the file. */
  etag?: string;
}

/**
 * Opens a hub by its address: http, https, or a file share (a `file:` address or an absolute path). Throws DownloadFailed if
 * it is none of these, or if the token would go to a server unencrypted.
 */
export function openHub(http: HttpClient, address: string, token?: string): Hub {
  const text = isAbsolute(address) ? pathToFileURL(address).href : address;
  if (!URL.canParse(text) || !/^(https?|file):$/.test(new URL(text).protocol)) {
    throw new DownloadFailed(`The download address "${address}" is no http or https address and no absolute path.`);
  }
  const { url: base, basic } = splitCredentials(new URL(text.endsWith('/') ? text : `${text}/`));
  const isSafe = base.protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(base.hostname);
  if (token && base.protocol !== 'file:' && !isSafe) {
    throw new DownloadFailed(`The token is not sent to ${base.host}, because its address is not encrypted (http).`);
  }
  const authorization = token ? `Bearer ${token}` : basic;
  return { base, http: withFileShares(http), ...(authorization && { authorization }) };
}

/** Asks the hub for the files of a model. Rejects with DownloadFailed, Interrupted or Cancelled. */
export async function findFiles(hub: Hub, entry: HubEntry, signal: AbortSignal): Promise<RemoteFile[]> {
  if (entry.kind === 'folder') return findFolder(hub, entry, signal);
  return Promise.all(
    entry.files.map(async ({ path, ...known }) => checkKnown(await findFile(hub, entry, path, signal), known)),
  );
}

async function findFile(hub: Hub, entry: HubEntry, path: string, signal: AbortSignal): Promise<RemoteFile> {
  const url = fileAddress(hub, entry, 'main', path);
  // Where the hub redirects to, a signature allows GET only.
  const response = await ask(hub, url, { method: 'HEAD', stay: true, signal });
  response.body.destroy();
  const { stated, status } = response;
  const commit = stated['x-repo-commit'];
  const etag = (stated['x-linked-etag'] ?? stated['etag'])?.replace(/^W\//, '').replaceAll('"', '');
  const size = status < 300 ? stated['content-length'] : undefined;
  const bytes = Number(stated['x-linked-size'] ?? size ?? Number.NaN);
  return {
    name: path,
    url: commit && /^[0-9a-f]{40}$/.test(commit) ? fileAddress(hub, entry, commit, path) : url,
    ...(hub.authorization && { authorization: hub.authorization }),
    bytes: Number.isSafeInteger(bytes) ? bytes : await sizeBehind(hub, url, signal),
    ...(etag && /^[0-9a-f]{64}$/.test(etag) && { sha256: etag }),
    ...(etag && /^[0-9a-f]{40}$/.test(etag) && { gitHash: etag }),
    ...(etag && { etag }),
  };
}

/** Where only the server that has the bytes knows how many there are. Null where not even that one says it. */
async function sizeBehind(hub: Hub, url: URL, signal: AbortSignal): Promise<number | null> {
  const { body, headers } = await ask(hub, url, { method: 'GET', signal });
  body.destroy();
  const bytes = Number(headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** What the catalogue knows of a file counts; a hub that says otherwise has another file. */
function checkKnown(file: RemoteFile, known: { bytes?: number | undefined; sha256?: string | undefined }): RemoteFile {
  const { host } = file.url;
  if (known.sha256 && file.sha256 && known.sha256 !== file.sha256) {
    throw new DownloadFailed(
      `${host} has another file as ${file.name} than the catalogue describes: its hash differs.`,
    );
  }
  if (known.bytes !== undefined && file.bytes !== null && known.bytes !== file.bytes) {
    throw new DownloadFailed(
      `${host} has another file as ${file.name} than the catalogue describes: ${file.bytes} bytes instead of ${known.bytes}.`,
    );
  }
  return { ...file, bytes: known.bytes ?? file.bytes, ...(known.sha256 && { sha256: known.sha256 }) };
}

/** What a model's folder needs; other formats of the same weights, pictures and code stay where they are. */
const NEEDED =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|model\.safetensors\.index)\.json$|^(merges\.txt|tokenizer\.model|chat_template\.jinja|LICENSE(\.\w+)?|[\w-]+\.tiktoken)$|^model(-\d{5}-of-\d{5})?\.safetensors$/;

const modelInfo = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().nonnegative().optional(),
      blobId: z.string().optional(),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).nullish(),
    }),
  ),
});

async function findFolder(hub: Hub, entry: HubEntry, signal: AbortSignal): Promise<RemoteFile[]> {
  if (hub.base.protocol === 'file:') {
    const names = await readdir(fileURLToPath(new URL(entry.repository, hub.base))).catch(() => []);
    return Promise.all(wanted(names, hub, entry).map((name) => findFile(hub, entry, name, signal)));
  }
  const url = new URL(`api/models/${entry.repository}/revision/main?blobs=true`, hub.base);
  const text = await readText(await ask(hub, url, { method: 'GET', signal }), signal);
  const parsed = modelInfo.safeParse(parseJson(text));
  if (!parsed.success) throw new DownloadFailed(`${shown(url)} did not answer with the list of a model's files.`);
  const { sha, siblings } = parsed.data;
  const names = wanted(
    siblings.map(({ rfilename }) => rfilename),
    hub,
    entry,
  );
  return siblings
    .filter(({ rfilename }) => names.includes(rfilename))
    .map(({ rfilename, size, blobId, lfs }) => ({
      name: rfilename,
      url: fileAddress(hub, entry, sha, rfilename),
      ...(hub.authorization && { authorization: hub.authorization }),
      bytes: lfs?.size ?? size ?? null,
      ...(lfs ? { sha256: lfs.sha256 } : blobId && /^[0-9a-f]{40}$/.test(blobId) && { gitHash: blobId }),
    }));
}

function wanted(names: readonly string[], hub: Hub, { repository }: HubEntry): string[] {
  const needed = names.filter((name) => NEEDED.test(name));
  if (!needed.includes('config.json') || !needed.some((name) => name.endsWith('.safetensors'))) {
    throw new DownloadFailed(`${shown(new URL(repository, hub.base))} has no config.json and safetensors files.`);
  }
  return needed;
}

function fileAddress({ base }: Hub, { repository }: HubEntry, revision: string, path: string): URL {
  const middle = base.protocol === 'file:' ? '' : `resolve/${revision}/`;
  return new URL(`${repository}/${middle}${path}`, base);
}

function ask(
  { http, authorization }: Hub,
  url: URL,
  request: { method: 'GET' | 'HEAD'; stay?: boolean; signal: AbortSignal },
): Promise<FollowedResponse> {
  const send = async () => {
    const response = await requestFile(http, url, { ...request, headers: {}, authorization });
    if (!request.stay || response.status < 300 || response.status > 399) {
      checkAnswer(response, { authorized: authorization !== undefined });
    }
    return response;
  };
  return retrying(send, { signal: request.signal });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
