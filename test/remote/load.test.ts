/**
 * Six clients ask, complete, and change their minds at once. Runs where AIRGAP_REMOTE_URL names a vLLM server and
 * AIRGAP_REMOTE_LOAD_SECONDS says for how long (see README.md).
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { textTurn } from '../../engine/wire/chatTurns.ts';
import { listModels } from '../../extension/remote/client.ts';
import { RemoteFailure } from '../../extension/remote/faults.ts';
import { createRemoteChat, createRemoteCompletion } from '../../extension/remote/remoteModel.ts';
import { type RemoteServer, serverUrl } from '../../extension/remote/server.ts';
import { mulberry32 } from '../../engine/inference/random.ts';
import { ANSWERED, COMPLETED } from '../support/remote/prompts.ts';

const { AIRGAP_REMOTE_URL: url, AIRGAP_REMOTE_LOAD_SECONDS: seconds } = process.env;
const CLIENTS = 6;
const host = { log: () => {}, t: (message: string) => message };
const open = new AbortController().signal;

describe('six clients of one server', function () {
  this.timeout(0);

  before(function () {
    if (url && seconds) return;
    console.log('    skipped: AIRGAP_REMOTE_URL and AIRGAP_REMOTE_LOAD_SECONDS do not ask for it');
    this.skip();
  });

  it('each question has its answer or its cancellation, and the server goes idle', async () => {
    const [model] = await listModels({ url: url!, model: '' }, host, open);
    const server = { url: url!, model: model!.id };
    const counts = { answered: 0, completed: 0, cancelled: 0, failed: [] as string[] };
    const endMs = performance.now() + 1000 * Number(seconds);
    const megabytes: number[] = [];
    const watch = setInterval(() => megabytes.push(Math.round(process.memoryUsage().rss / 1e6)), 5000);
    const clients = Array.from({ length: CLIENTS }, (_, seed) => client(server, seed, counts, endMs));
    await Promise.all(clients).finally(() => clearInterval(watch));
    let [running, waits] = [await unfinished(url!), 0];
    for (; running > 0 && waits < 50; waits++) {
      await delay(100);
      running = await unfinished(url!);
    }
    const { answered, completed, cancelled, failed } = counts;
    console.log(`      ${answered} answers, ${completed} completions, ${cancelled} cancellations in ${seconds} s`);
    console.log(`      memory of this process in MB, every 5 s: ${megabytes.join(' ')}; idle after ${waits / 10} s`);
    assert.deepEqual(failed, []);
    assert.equal(running, 0, 'requests that the server still computes');
    assert.ok(answered > 0 && completed > 0 && cancelled > 0);
  });
});

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
