import { duplexPair } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { version } from '../../../package.json';
import { engineCore } from '../../../engine/serve/engineCore.ts';
import { throwIfAborted } from '../../../engine/errors.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import type { ChatTurn, CompleteParams, ModelReference } from '../../../engine/wire/protocol.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { RpcClient } from '../../../engine/wire/rpc.ts';
import { EngineServer } from '../../../engine/serve/server.ts';
import { starterFolder } from '../../../engine/cli/starter.ts';

export interface ChatBenchOptions {
  /** The starter model where absent. */
  readonly folder?: string | undefined;
  /** In a text; keys are pressed at each of them in each situation, `repeat` times. */
  readonly places?: number;
  readonly repeat: number;
}

/** What the chat does while the key is answered. */
const SITUATIONS = ['no chat', 'reading a question', 'answering'] as const;
type Situation = (typeof SITUATIONS)[number];

/** Milliseconds from a key to its ghost text, as a window sees them. */
export interface GhostTextRow {
  readonly situation: Situation;
  readonly keys: number;
  readonly median: number;
  readonly percentile95: number;
  /** Medians over those without a chat, and the same of the 95th percentiles. */
  readonly ratio: number;
  readonly ratio95: number;
}

/** What the next question of a conversation computed. */
export interface FollowUpRow {
  readonly turn: number;
  /** Tokens of its text. */
  readonly question: number;
  readonly prefilled: number;
  readonly reused: number;
}

const TOKEN = 'bench';
const PLACES = 20;
const ANSWER_TOKENS = 400;
const TURNS = 4;
/** Keys come at any moment of the chat's steps. */
const MOST_MS_TO_KEY = 50;

/** Ghost text without and beside a chat, key by key in turn, so that a busy machine slows all; through a real server. */
export async function benchChat(
  { folder, places = PLACES, repeat }: ChatBenchOptions,
  load: LoadOptions,
  signal: AbortSignal,
): Promise<{ ghostText: GhostTextRow[]; followUps: FollowUpRow[] }> {
  await using window = await BenchWindow.open(folder ?? starterFolder(), load);
  const random = mulberry32(1);
  const times: Record<Situation, number[]> = { 'no chat': [], 'reading a question': [], answering: [] };
  for (let round = 0; round < repeat; round++) {
    for (const [i, prefix] of prefixes(places).entries()) {
      for (const situation of SITUATIONS) {
        throwIfAborted(signal);
        await window.complete(prefix.slice(0, -1)); // What was typed before is in the cache.
        const endChat = situation === 'no chat' ? async () => {} : await window.chatUntil(situation, `${round} ${i}`);
        await delay(random() * MOST_MS_TO_KEY);
        const started = performance.now();
        await window.complete(prefix);
        times[situation].push(performance.now() - started);
        await endChat();
      }
    }
  }
  const [alone, alone95] = [quantile(times['no chat'], 0.5), quantile(times['no chat'], 0.95)];
  const ghostText = SITUATIONS.map((situation): GhostTextRow => {
    const all = times[situation];
    const [median, percentile95] = [quantile(all, 0.5), quantile(all, 0.95)];
    return {
      situation,
      keys: all.length,
      median,
      percentile95,
      ratio: median / alone,
      ratio95: percentile95 / alone95,
    };
  });
  return { ghostText, followUps: await window.followUps() };
}

export function printChatRows({ ghostText, followUps }: Awaited<ReturnType<typeof benchChat>>): void {
  for (const { situation, keys, median, percentile95, ratio, ratio95 } of ghostText) {
    const figures = `median ${median.toFixed(1)} ms, 95 % ${percentile95.toFixed(1)} ms`;
    console.log(`  ${situation.padEnd(20)}${figures}   ${ratio.toFixed(2)} x, ${ratio95.toFixed(2)} x (${keys} keys)`);
  }
  for (const { turn, question, prefilled, reused } of followUps) {
    console.log(`  turn ${turn}: a question of ${question} tokens, ${prefilled} prefilled, ${reused} in the cache`);
  }
}

/** A window in this process. */
class BenchWindow implements AsyncDisposable {
  readonly #server: EngineServer;
  readonly #client: RpcClient;
  readonly #modelId: string;

  private constructor(server: EngineServer, client: RpcClient, modelId: string) {
    this.#server = server;
    this.#client = client;
    this.#modelId = modelId;
  }

  static async open(model: string, load: LoadOptions): Promise<BenchWindow> {
    const core = {
      ...engineCore,
      loadModel: (reference: ModelReference, own: LoadOptions) => loadModel(reference, { ...load, ...own }),
    };
    const silent = { runtime: '', wasmOnly: '', onClients() {}, log() {} };
    const server = new EngineServer(core, { version, readToken: () => TOKEN, ...silent });
    const [near, far] = duplexPair();
    server.accept(far);
    const client = new RpcClient(near);
    await client.call('initialize', { version, token: TOKEN });
    const { modelId } = await client.call('load', { model, backend: load.backend });
    return new BenchWindow(server, client, modelId);
  }

  async complete(prefix: string): Promise<void> {
    const where = { fileName: 'total.ts', languageId: 'typescript', prefix, suffix: '\n}\n' };
    const how: Pick<CompleteParams, 'maxTokens' | 'multiline'> = { maxTokens: 32, multiline: 'always' };
    await this.#client.call('complete', { modelId: this.#modelId, sessionId: 'total.ts', ...where, ...how });
  }

  /** Asks; resolves when the question is being read, or answered, with what ends it. */
  async chatUntil(situation: Situation, name: string): Promise<() => Promise<void>> {
    const abort = new AbortController();
    // In front: nothing of it is in the cache.
    const messages: ChatTurn[] = [{ role: 'user', text: `// ${name}\n${source(8)}\nWhat does this do?` }];
    let answering = (): void => {};
    const answered = new Promise<void>((resolve) => (answering = resolve));
    const running = this.#talk(messages, abort.signal, answering).catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
    });
    if (situation === 'answering') await Promise.race([answered, running]);
    return async () => {
      abort.abort();
      await running;
    };
  }

  async followUps(): Promise<FollowUpRow[]> {
    const messages: ChatTurn[] = [];
    const rows: FollowUpRow[] = [];
    for (let turn = 1; turn <= TURNS; turn++) {
      const text = `What does total${turn} do?`;
      messages.push({ role: 'user', text: turn === 1 ? `${source(3)}\n${text}` : text });
      const said: string[] = [];
      const { tokensPrefilled, tokensReused } = await this.#talk(messages, undefined, (part) => said.push(part), 60);
      messages.push({ role: 'assistant', text: said.join('') });
      const { counts } = await this.#client.call('countTokens', {
        modelId: this.#modelId,
        texts: [messages.at(-2)!.text],
      });
      rows.push({ turn, question: counts[0]!, prefilled: tokensPrefilled, reused: tokensReused });
    }
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close('The benchmark is done.');
    await this.#server.dispose();
  }

  #talk(
    messages: ChatTurn[],
    signal: AbortSignal | undefined,
    onText: (text: string) => void,
    maxTokens = ANSWER_TOKENS,
  ) {
    const params = { modelId: this.#modelId, sessionId: 'chat', messages, maxTokens };
    return this.#client.call('chat', params, { ...(signal && { signal }), onPart: ({ text }) => onText(text) });
  }
}

/** Functions that are alike, and not the same. */
function source(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const [name, item] = [`total${i}`, `item${i}`];
    return `export function ${name}(values: number[], limit = ${i}): number {\n  let sum = 0;\n  for (const ${item} of values) {\n    if (${item} > limit) sum += ${item};\n  }\n  return sum;\n}\n`;
  }).join('\n');
}

/** Texts up to a cursor at the end of a line that is being written. */
function prefixes(count: number): string[] {
  const text = source(count);
  return [...text.matchAll(/ {2}for \(const /g)].map(({ index, 0: match }) => text.slice(0, index + match.length));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
