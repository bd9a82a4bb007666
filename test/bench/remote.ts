/**
 * `npm run bench -- --remote`: what Airgap adds to a request, beside plain HTTP requests with the same body to the same
 * server on this machine, which answers at once.
 */
import { Agent, request } from 'node:http';
import { textTurn } from '../../engine/wire/chatTurns.ts';
import { createRemoteChat, createRemoteCompletion } from '../../extension/remote/remoteModel.ts';
import { complete, SERVED, startFaultyServer, stream } from '../support/remote/faultyServer.ts';

const ROUNDS = 300;
const WARM_UP = 30;
const NO_SIGNAL = new AbortController().signal;
const host = { log: () => {}, t: (message: string) => message };

await using server = await startFaultyServer(stream([' 1;\n'], complete));
const remote = { url: server.url, model: SERVED };
const chat = createRemoteChat(remote, host);
const completion = createRemoteCompletion(remote, host);

const code = Array.from({ length: 60 }, (_, i) => `export const value${i} = compute(${i});`).join('\n');
const messages = [textTurn('user', `${code}\n\nWhat is this?`)];
const text = `${code}\nconst a = `;
const place = { fileName: 'a.ts', languageId: 'typescript', prefix: text, suffix: '\n', maxTokens: 64 } as const;

const rows: [name: string, path: string, ask: () => Promise<unknown>][] = [
  ['chat', '/v1/chat/completions', () => chat.chat({ sessionId: 'a', messages, maxTokens: 64 }, NO_SIGNAL, () => {})],
  [
    'completion',
    '/v1/chat/completions',
    () => completion.complete({ ...place, sessionId: 'a', multiline: 'never' }, NO_SIGNAL),
  ],
];
console.log('| request | plain, ms | by Airgap, ms | added, ms |\n| --- | --- | --- | --- |');
for (const [name, path, ask] of rows) {
  await ask();
  const body = server.bodies.at(-1)!;
  const agent = new Agent({ keepAlive: true });
  const [plain, ours]: [number[], number[]] = [[], []];
  // In turn, so that both see the same machine.
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    const plainMs = await timed(() => post(`${server.url}${path}`, body, agent));
    const oursMs = await timed(ask);
    if (round < WARM_UP) continue;
    plain.push(plainMs);
    ours.push(oursMs);
  }
  agent.destroy();
  const [a, b] = [median(plain), median(ours)];
  console.log(
    `| ${name} (${(body.length / 1000).toFixed(1)} kB) | ${a.toFixed(2)} | ${b.toFixed(2)} | ${(b - a).toFixed(2)} |`,
  );
}
chat.dispose();
completion.dispose();

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function post(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((done, failed) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(url, { method: 'POST', headers, agent }, (response) => {
      response.resume();
      response.on('end', done);
    });
    sent.on('error', failed);
    sent.end(body);
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
