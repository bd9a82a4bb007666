/**
 * Two windows and six clients ask, complete, and change their minds at once. Runs where AIRGAP_REMOTE_URL names a vLLM
 * server and AIRGAP_REMOTE_LOAD_SECONDS says for how long (see README.md).
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ensureChromium } from '../../.ci/chromium.ts';
import { mulberry32 } from '../../engine/inference/random.ts';
import { textTurn } from '../../engine/wire/chatTurns.ts';
import { listModels } from '../../extension/remote/client.ts';
import { RemoteFailure } from '../../extension/remote/faults.ts';
import { createRemoteChat, createRemoteCompletion } from '../../extension/remote/remoteModel.ts';
import { type RemoteServer, serverUrl } from '../../extension/remote/server.ts';
import { ANSWERED, COMPLETED } from '../support/remote/prompts.ts';
import { LoadWindow } from './loadWindow.ts';

const { AIRGAP_REMOTE_URL: url, AIRGAP_REMOTE_LOAD_SECONDS: seconds } = process.env;
const CLIENTS = 6;
const WINDOWS = 2;
const SAMPLE_MS = 10_000;
const host = { log: () => {}, t: (message: string) => message };
const open = new AbortController().signal;

describe('two windows and six clients of one server', function () {
  this.timeout(0);
  const windows: LoadWindow[] = [];
  let server: RemoteServer;

  before(async function () {
    if (!url || !seconds) {
      console.log('    skipped: AIRGAP_REMOTE_URL and AIRGAP_REMOTE_LOAD_SECONDS do not ask for it');
      return this.skip();
    }
    ensureChromium();
    const [model] = await listModels({ url, model: '' }, host, open);
    server = { url, model: model!.id };
    while (windows.length < WINDOWS) windows.push(await LoadWindow.open(server, 100 + windows.length));
  });
  after(async () => {
    for (const window of windows) await window[Symbol.asyncDispose]();
  });

  it('each question has its answer or its cancellation, the server goes idle, and memory stays flat', async () => {
    const counts = { answered: 0, completed: 0, cancelled: 0, failed: [] as string[] };
    const endMs = performance.now() + 1000 * Number(seconds);
    const clients = Array.from({ length: CLIENTS }, (_, seed) => client(server, seed, counts, endMs));
    const users = windows.map((window) =>
      window.work(endMs).catch((error: unknown) => counts.failed.push(String(error))),
    );
    const heap: number[] = [];
    const watch = setInterval(() => heap.push(heapMegabytes()), SAMPLE_MS);
    await Promise.all([...clients, ...users]).finally(() => clearInterval(watch));
    let [running, waits] = [await unfinished(url!), 0];
    for (; running > 0 && waits < 50; waits++) {
      await delay(100);
      running = await unfinished(url!);
    }
    const { answered, completed, cancelled, failed } = counts;
    console.log(
      `      clients: ${answered} answers, ${completed} completions, ${cancelled} cancellations in ${seconds} s`,
    );
    for (const [index, window] of windows.entries()) console.log(`      window ${index + 1}: ${window.summary()}`);
    const memory = [
      { name: 'clients', heap, rss: Math.round(process.memoryUsage.rss() / 2 ** 20) },
      ...windows.map((window, index) => ({ name: `window ${index + 1}`, ...window.megabytes() })),
    ];
    for (const { name, heap, rss } of memory)
      console.log(`      ${name}: heap ${heap.join(' ')}; RSS ${rss} MB at the end`);
    console.log(`      the server was idle after ${waits / 10} s`);
    assert.deepEqual(failed, []);
    assert.equal(running, 0, 'requests that the server still computes');
    assert.ok(answered > 0 && completed > 0 && cancelled > 0);
    for (const { vscode, counts: own } of windows) {
      assert.ok(own.answered > 0 && own.lines > 0);
      assert.deepEqual(await vscode.engines(), [], 'engines of this machine');
    }
    for (const { name, heap } of memory) assertFlat(name, heap);
  });
});

/** Megabytes of this process's heap without garbage. */
function heapMegabytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return Math.round((heapUsed + arrayBuffers) / 2 ** 20);
}

/** Between the second quarter, when everything has been loaded, and the last one. A short run tells nothing. */
function assertFlat(name: string, samples: readonly number[]): void {
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 5) return;
  const [early, late] = [median(samples.slice(quarter, 2 * quarter)), median(samples.slice(-quarter))];
  assert.ok(late <= 1.1 * early, `the memory of ${name} grew from ${early} to ${late} MB`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

interface Counts {
  answered: number;
  completed: number;
  cancelled: number;
  failed: string[];
}

/** Asks and completes until `endMs`; every third request is cancelled while it is on its way. */
async function client(server: RemoteServer, seed: number, counts: Counts, endMs: number): Promise<void> {
  const chat = createRemoteChat(server, host);
  const completion = createRemoteCompletion(server, host);
  const draw = mulberry32(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  while (performance.now() < endMs) {
    const change = new AbortController();
    const cancels = below(3) === 0;
    const timer = cancels ? setTimeout(() => change.abort(), below(1500)) : undefined;
    const asks = below(2) === 0;
    try {
      if (asks) {
        const messages = [textTurn('user', ANSWERED[below(ANSWERED.length)]!)];
        const request = { sessionId: `chat ${seed}`, messages, maxTokens: 16 };
        let text = '';
        await chat.chat(request, change.signal, (part) => (text += part.type === 'text' ? part.text : ''));
        if (text === '') counts.failed.push(`no text for ${JSON.stringify(messages)}`);
        counts.answered++;
      } else {
        const [fileName, languageId, prefix, suffix] = COMPLETED[below(COMPLETED.length)]!;
        const place = { sessionId: `document ${seed}`, fileName, languageId, prefix, suffix };
        await completion.complete({ ...place, maxTokens: 16, multiline: 'never' }, change.signal);
        counts.completed++;
      }
    } catch (error) {
      if (change.signal.aborted && error instanceof RemoteFailure && error.kind === 'cancelled') counts.cancelled++;
      else counts.failed.push(String(error));
    }
    clearTimeout(timer);
  }
  chat.dispose();
  completion.dispose();
}

/** The requests that all replicas of a vLLM server compute or keep waiting. */
async function unfinished(address: string): Promise<number> {
  const metrics = await (await fetch(`${serverUrl({ url: address })}/metrics`)).text();
  const lines = [...metrics.matchAll(/^vllm:num_requests_(?:running|waiting)\{.* (\S+)$/gm)];
  assert.ok(lines.length >= 2, 'the server tells its number of requests');
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}
