/** A proxy of the tests: CONNECT for encrypted addresses, whole addresses for others. */
import * as http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Servers } from './servers.ts';

export interface TestProxy {
  address: string;
  /** What was asked of it: `CONNECT localhost:443` or `GET http://localhost/x`. */
  asked: string[];
  /** Proxy-Authorization headers. */
  authorizations: (string | undefined)[];
}

/** `refuse` is what it says instead of connecting: the start of an answer. */
export async function startProxy(servers: Servers, { refuse }: { refuse?: string } = {}): Promise<TestProxy> {
  const proxy: TestProxy = { address: '', asked: [], authorizations: [] };
  const server = http.createServer((request, response) => {
    proxy.asked.push(`${request.method} ${request.url}`);
    const { method, headers } = request;
    const onward = http.request(request.url!, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.on('connect', (request, client, head) => {
    proxy.asked.push(`CONNECT ${request.url}`);
    proxy.authorizations.push(request.headers['proxy-authorization']);
    if (refuse !== undefined) return client.end(`HTTP/1.1 ${refuse}`);
    const [host, port] = request.url!.split(':');
    const onward = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
    return undefined;
  });
  await servers.listen(server);
  proxy.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
