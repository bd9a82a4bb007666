/** A server of the API that behaves as a test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Behaviour = (response: ServerResponse, request: IncomingMessage, attempt: number) => void;

export interface FaultyServer extends AsyncDisposable {
  readonly url: string;
  /** The paths asked for, and what was sent there. */
  readonly paths: string[];
  readonly bodies: string[];
}

/** The model that `/v1/models` lists. */
export const SERVED = 'a-model';

export const json =
  (status: number, body: object, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** An error as vLLM words it. */
export const refusal = (code: number, message: string, headers?: Record<string, string>): Behaviour =>
  json(code, { error: { message, type: 'Error', param: null, code } }, headers);

export const page =
  (status: number): Behaviour =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Sign in</body></html>');

/** Sends the beginning of an answer, then leaves the rest to `then`. */
export const stream =
  (texts: readonly string[], then: (response: ServerResponse) => void): Behaviour =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const text of texts)
      response.write(event({ choices: [{ index: 0, delta: { content: text }, text, finish_reason: null }] }));
    then(response);
  };

export const event = (content: object): string => `data: ${JSON.stringify(content)}\n\n`;

/** The end of an answer as it should be. */
export const complete = (response: ServerResponse): void => {
  response.end(`${event({ choices: [{ index: 0, delta: {}, text: '', finish_reason: 'stop' }] })}data: [DONE]\n\n`);
};

/** Lists its model, unless `models` says otherwise; everything else is `behaviour`. With `tls` by https. */
export async function startFaultyServer(
  behaviour: Behaviour,
  {
    models = json(200, { object: 'list', data: [{ id: SERVED, max_model_len: 2048 }] }),
    tls,
  }: { models?: Behaviour; tls?: { cert: string; key: string } } = {},
): Promise<FaultyServer> {
  const paths: string[] = [];
  const bodies: string[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '';
    paths.push(path);
    const at = bodies.push('') - 1;
    request.on('data', (chunk) => (bodies[at] += String(chunk)));
    const attempt = paths.filter((each) => each === path).length;
    (path === '/v1/models' ? models : behaviour)(response, request, attempt);
  };
  const server = tls ? createSecureServer(tls, handle) : createServer(handle);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    paths,
    bodies,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
