/** The one place where a request leaves for a server: counted, logged by its size, and given up when nothing comes. */
import { countRequest } from '../../engine/traffic.ts';
import type { Translate } from '../common/translate.ts';
import { type FaultKind, faultText, RemoteFailure } from './faults.ts';
import { type RemoteServer, serverName } from './server.ts';

export interface RemoteHost {
  /** One line each, without any content of requests or answers. */
  log(message: string): void;
  readonly t: Translate;
  /** Milliseconds; the usual limits where absent. */
  readonly limits?: Partial<RequestLimits>;
}

export interface RequestLimits {
  /** Until the server has begun to answer. */
  readonly answerMs: number;
  /** Between two parts of an answer. The first one waits for the prompt, or for other requests. */
  readonly partMs: number;
}

const LIMITS: RequestLimits = { answerMs: 30_000, partMs: 120_000 };

/** What the server needs to know. Everything else that the package would send tells about this machine. */
const HEADERS = ['accept', 'content-type', 'authorization'];

/**
 * Fetches from one server, as the extension host does: VS Code has given its `fetch` the user's proxies and certificates.
 * Follows no redirection, since the key and the code are for this server only. Rejects with RemoteFailure where the
 * server takes too long or answers with another kind of content, otherwise as `fetch` does.
 */
export function serverFetch(server: RemoteServer, { log, t, limits }: RemoteHost): typeof fetch {
  const name = serverName(server);
  const { answerMs, partMs } = { ...LIMITS, ...limits };
  const failure = (fault: FaultKind) => new RemoteFailure(fault, faultText(fault, name, '', t));
  return async (input, init = {}) => {
    const { pathname } = new URL(String(input));
    const { method = 'GET', body = null } = init;
    const request = new RequestCount(typeof body === 'string' ? Buffer.byteLength(body) : 0);
    countRequest(name, request);
    const startMs = performance.now();
    const end = (outcome: string): void => {
      if (!request.close()) return;
      const took = Math.round(performance.now() - startMs);
      log(
        `${method} ${name}${pathname}: ${outcome}, ${request.bytesWritten} B sent, ${request.bytesRead} B received, ${took} ms`,
      );
    };
    const late = new AbortController();
    const signal = init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
    try {
      const timer = setTimeout(() => late.abort(failure('timeout')), answerMs);
      const sent = { method, body, headers: neededHeaders(init.headers, server), signal, redirect: 'manual' as const };
      const response = await fetch(input, sent).finally(() => clearTimeout(timer));
      if (!isOfTheApi(response)) {
        late.abort();
        throw failure('notTheApi');
      }
      if (!response.body) end(String(response.status));
      const counted =
        response.body &&
        countedBody(response.body, { request, partMs, late, failure, end: () => end(String(response.status)) });
      const { status, statusText, headers } = response;
      return new Response(counted, { status, statusText, headers });
    } catch (error) {
      end(init.signal?.aborted ? 'cancelled' : 'failed');
      throw error;
    }
  };
}

/** Errors may come with any content: their status says enough. */
function isOfTheApi({ status, headers }: Response): boolean {
  if (status >= 500 || status === 404) return true;
  if (status >= 300 && status < 400) return false;
  return /json|event-stream/.test(headers.get('content-type') ?? '');
}

function neededHeaders(all: RequestInit['headers'], { key }: RemoteServer): Headers {
  const headers = new Headers(all);
  for (const name of [...headers.keys()]) if (!HEADERS.includes(name)) headers.delete(name);
  if (key === undefined) headers.delete('authorization');
  return headers;
}

interface BodyHost {
  readonly request: RequestCount;
  readonly partMs: number;
  readonly late: AbortController;
  failure(fault: FaultKind): RemoteFailure;
  end(): void;
}

/** The same bytes, counted. Errors where the next part does not come in time; cancelling it closes the request. */
function countedBody(
  body: ReadableStream<Uint8Array>,
  { request, partMs, late, failure, end }: BodyHost,
): ReadableStream {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const timer = setTimeout(() => late.abort(failure('timeout')), partMs);
      try {
        const { done, value } = await reader.read();
        if (done) {
          end();
          controller.close();
          return;
        }
        request.bytesRead += value.length;
        controller.enqueue(value);
      } catch (error) {
        end();
        controller.error(error);
      } finally {
        clearTimeout(timer);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
}

/** Counts the bytes of one request and of its answer for the account of what was sent where. */
class RequestCount {
  readonly bytesWritten: number;
  bytesRead = 0;
  #closed: (() => void) | undefined;

  constructor(bytesWritten: number) {
    this.bytesWritten = bytesWritten;
  }

  once(_event: 'close', listener: () => void): void {
    this.#closed = listener;
  }

  /** Returns false where it was closed before. */
  close(): boolean {
    const closed = this.#closed;
    this.#closed = undefined;
    closed?.();
    return closed !== undefined;
  }
}
