/** Servers of the tests on the loopback interface: a hub as the public one answers, and what it redirects to. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificates } from './certificates.ts';

export interface SeenRequest {
  server: string;
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
}

/** Answers a request, or returns false to leave it to the next. */
export type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => boolean | Promise<boolean>;

/** Any number of servers, closed together. */
export class Servers {
  readonly requests: SeenRequest[] = [];
  readonly #closing: (() => void)[] = [];

  /** Starts a server and resolves with its address, `http://localhost:PORT` or https. */
  async start(name: string, answer: Answer, certificates?: Certificates): Promise<string> {
    const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
      const { method = '', url = '', headers } = request;
      this.requests.push({ server: name, method, path: url, headers });
      void Promise.resolve(answer(request, response)).then((answered) => {
        if (!answered) response.writeHead(404).end();
      });
    };
    const server = certificates ? https.createServer(certificates, listener) : http.createServer(listener);
    await this.listen(server);
    return `${certificates ? 'https' : 'http'}://localhost:${(server.address() as AddressInfo).port}`;
  }

  async listen(server: http.Server): Promise<void> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.once('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#closing.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
  }

  close(): void {
    for (const close of this.#closing.splice(0)) close();
  }
}

export const COMMIT = 'c0ffee'.padEnd(40, '0');

export interface HubFiles {
  [path: string]: Buffer;
}

/** Large files are those that the hub keeps elsewhere and knows by their SHA-256. */
export const isLarge = (path: string): boolean => /\.(gguf|safetensors)$/.test(path);

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
export const gitHash = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/**
 * Answers as the hub does for the files of one repository. `cdn` is the address that large files are redirected to; what
 * else is there is changed by `states`.
 */
export function hubAnswer(repository: string, files: HubFiles, cdn: () => string, states = true): Answer {
  return ({ url = '', method }, response) => {
    if (url.startsWith(`/api/models/${repository}/revision/`)) {
      const siblings = Object.entries(files).map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.length,
        blobId: gitHash(bytes),
        ...(isLarge(rfilename) && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
      }));
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ sha: COMMIT, siblings }));
      return true;
    }
    const [, path] = /\/resolve\/[^/]+\/(.+)$/.exec(url) ?? [];
    const bytes = path === undefined ? undefined : files[path];
    if (path === undefined || !bytes || !url.startsWith(`/${repository}/`)) return false;
    response.setHeader('x-repo-commit', COMMIT);
    if (isLarge(path)) {
      if (states) response.setHeader('x-linked-etag', `"${sha256(bytes)}"`);
      response.setHeader('x-linked-size', bytes.length);
      // As the hub does it: a signature for some minutes in the query.
      response.writeHead(302, { location: `${cdn()}/blobs/${path}?signature=secret` }).end();
      return true;
    }
    response.setHeader('etag', `"${gitHash(bytes)}"`);
    response.setHeader('content-length', bytes.length);
    response.end(method === 'HEAD' ? undefined : bytes);
    return true;
  };
}

/** Answers with files below /blobs, and parts of them where the request has a range. */
export function cdnAnswer(files: HubFiles): Answer {
  return ({ url = '', headers, method }, response) => {
    const bytes = files[/^\/blobs\/([^?]+)/.exec(url)?.[1] ?? ''];
    if (!bytes) return false;
    // A signature is one of a method, too.
    if (method !== 'GET') return (response.writeHead(403).end(), true);
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, etag: '"cdn"' });
    response.end(bytes.subarray(start));
    return true;
  };
}
