/** What a download needs of HTTP. `nodeHttp.ts` is the implementation; who calls it decides about proxies and certificates. */
import type { Readable } from 'node:stream';

/**
 * Sends one request and resolves once the status line and the headers have arrived. Follows no redirects. Rejects with
 * Node's error if there is no answer. Aborting `signal` ends the request, its body as well.
 */
export type HttpClient = (url: URL, request: HttpRequest) => Promise<HttpResponse>;

export interface HttpRequest {
  method: 'GET' | 'HEAD';
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** Where this request is to be sent in another way than the client's. */
  connection?: Connection | undefined;
}

export interface Connection {
  /** Address of a proxy. */
  proxy?: string;
  /** PEM texts of the only certificates to trust. */
  ca?: string;
  /** The user has said that this server needs no certificate that can be trusted. */
  unverified?: boolean;
}

export interface HttpResponse {
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string | undefined>>;
  /** Fails if the connection breaks before the whole body has arrived. A body that is not wanted must be destroyed. */
  body: Readable;
}
