/** Files of a file share or of this disk, answered as a server would, so that they are copied by the same code. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { HttpClient } from './http.ts';

/** Makes a client that reads `file:` addresses itself and leaves all others to `http`. */
export function withFileShares(http: HttpClient): HttpClient {
  return (url, request) => (url.protocol === 'file:' ? readShared(url, request) : http(url, request));
}

const readShared: HttpClient = async (url, { method, headers, signal }) => {
  const path = fileURLToPath(url);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return { status: 404, headers: {}, body: Readable.from([]) };
  const start = Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1] ?? 0);
  return {
    status: start > 0 ? 206 : 200,
    headers: {
      'content-length': String(found.size - start),
      'content-range': start > 0 ? `bytes ${start}-${found.size - 1}/${found.size}` : undefined,
      etag: `"${found.size}-${found.mtimeMs}"`,
    },
    body: method === 'HEAD' ? Readable.from([]) : createReadStream(path, { start, signal }),
  };
};
