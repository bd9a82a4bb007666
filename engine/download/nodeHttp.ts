/**
 * HTTP by Node's own modules. In the extension host, VS Code has these modules use its proxy and its certificates; in the
 * terminal, `terminalHttp.ts` gives what the environment says.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import type { SecureContext } from 'node:tls';
import { DownloadFailed } from '../errors.ts';
import { countConnection } from '../traffic.ts';
import type { HttpClient } from './http.ts';

/** A server that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;

export interface NodeHttpOptions {
  /** The agent that connects to an address; undefined for Node's own. */
  agentFor?: (url: URL, proxy: string | undefined) => http.Agent | undefined;
  /** Certificates to trust; undefined for Node's own choice. */
  secureContext?: SecureContext;
}

/** Makes a client that sends each request on a connection of its own. */
export function nodeHttp({ agentFor, secureContext }: NodeHttpOptions = {}): HttpClient {
  return (url, { method, headers, signal, connection = {} }) =>
    new Promise((resolve, reject) => {
      const { request } = url.protocol === 'https:' ? https : http;
      const { proxy, ca, unverified } = connection;
      const trust = ca ? { ca } : secureContext && { secureContext };
      const tls = { ...trust, ...(unverified && { rejectUnauthorized: false }) };
      const options = { method, headers, signal, agent: agentFor?.(url, proxy), ...tls };
      const sent = request(url, options);
      sent.on('socket', (socket) => countConnection(url.host, socket));
      const giveUp = () => {
        sent.destroy(Object.assign(new Error(`no data for ${SILENCE_MS / 1000} s`), { code: 'ETIMEDOUT' }));
      };
      const answerTimer = setTimeout(giveUp, SILENCE_MS);
      sent.on('response', (response) => {
        clearTimeout(answerTimer);
        response.setTimeout(SILENCE_MS, giveUp);
        const texts = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(texts), body: response });
      });
      // The agent would pass on what the proxy says instead of a connection, as if the server itself had said it.
      sent.on('proxyConnect', ({ statusCode }: { statusCode: number }) => {
        if (url.protocol === 'https:' && statusCode !== 200)
          sent.destroy(new DownloadFailed(proxyRefusal(url, statusCode)));
      });
      sent.on('error', (error) => {
        clearTimeout(answerTimer);
        reject(error);
      });
      sent.end();
    });
}

function proxyRefusal({ host }: URL, status: number): string {
  if (status === 407) return `The proxy asks for a user name and a password before it connects to ${host} (407).`;
  return `The proxy refuses to connect to ${host} (${status}).`;
}
