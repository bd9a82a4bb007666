import { duplexPair } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { version } from '../../../package.json';
import { throwIfAborted } from '../../../engine/errors.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { type LoadOptions, loadModel } from '../../../engine/load/loadModel.ts';
import { EngineServer } from '../../../engine/serve/server.ts';
import type { ModelLoader } from '../../../engine/serve/sharedModel.ts';
import { textOf, textTurn } from '../../../engine/wire/chatTurns.ts';
import type { ChatTurn, CompleteParams } from '../../../engine/wire/protocol.ts';
import { RpcClient } from '../../../engine/wire/rpc.ts';
import type { CompletionModel } from '../../../extension/engine/engine.ts';

/** The chat's activity while a completion is computed. */
export const SITUATIONS = ['no chat', 'reading a question', 'answering'] as const;
export type Situation = (typeof SITUATIONS)[number];

/** Milliseconds from each key to its ghost text. */
export type Times = Record<Situation, number[]>;

/** Tokens computed for the next question of a conversation. */
export interface FollowUpRow {
  readonly turn: number;
  /** Number of tokens of the question's text. */
  readonly question: number;
  readonly prefilled: number;
  readonly reused: number;
}

const TOKEN = 'bench';
const ANSWER_TOKENS = 400;
const TURNS = 4;
/** Keys are pressed at random moments, so that they meet every part of the chat's steps. */
const MAX_MS_TO_KEY = 50;

/** A window and the engine's server, both in this process. */
export class BenchWindow implements AsyncDisposable {
  readonly #server: EngineServer;
  readonly #client: RpcClient;
  readonly #modelId: string;

  private constructor(server: EngineServer, client: RpcClient, modelId: string) {
    this.#server = server;
    this.#client = client;
    this.#modelId = modelId;
  }

  static async open(model: string, load: LoadOptions): Promise<BenchWindow> {
    const loader: ModelLoader = (reference, own) => loadModel(reference, { ...load, ...own });
    const silent = { runtime: '', noGpu: '', onClients() {}, log() {} };
    const server = new EngineServer({ version, readToken: () => TOKEN, ...silent, loadModel: loader });
    const [near, far] = duplexPair();
    server.accept(far);
    const client = new RpcClient(near);
    await client.call('initialize', { version, token: TOKEN });
    const { modelId } = await client.call('load', { model, backend: load.backend });
    return new BenchWindow(server, client, modelId);
  }

  /** The model as the extension sees it. */
  get completionModel(): CompletionModel {
    const [client, modelId] = [this.#client, this.#modelId];
    return {
      complete: (request, signal) => client.call('complete', { ...request, modelId }, { signal }),
      prefill: async (request, signal) =>
        (await client.call('prefill', { ...request, modelId }, { signal })).tokensPrefilled,
      typing: () => client.notify('typing', {}),
    };
  }

  /** Frees what the engine keeps for a document. */
  close(sessionId: string): void {
    this.#client.notify('closed', { sessionId });
  }

  /** Milliseconds from a key to its ghost text at each of the prefixes, `repeat` times in each situation. */
  async ghostTextTimes(prefixes: readonly string[], repeat: number, signal: AbortSignal): Promise<Times> {
    const random = mulberry32(1);
    const times: Times = { 'no chat': [], 'reading a question': [], answering: [] };
    for (let round = 0; round < repeat; round++) {
      for (const [i, prefix] of prefixes.entries()) {
        for (const situation of SITUATIONS) {
          throwIfAborted(signal);
          await this.#complete(prefix.slice(0, -1)); // The text before the key is in the cache, as after any other key.
          const endChat = situation === 'no chat' ? async () => {} : await this.#chatUntil(situation, `${round} ${i}`);
          await delay(random() * MAX_MS_TO_KEY);
          const started = performance.now();
          await this.#complete(prefix);
          times[situation].push(performance.now() - started);
          await endChat();
        }
      }
    }
    return times;
  }

  async #complete(prefix: string): Promise<void> {
    const where = { fileName: 'total.ts', languageId: 'typescript', prefix, suffix: '\n}\n' };
    const how: Pick<CompleteParams, 'maxTokens' | 'multiline'> = { maxTokens: 32, multiline: 'always' };
    await this.#client.call('complete', { modelId: this.#modelId, sessionId: 'total.ts', ...where, ...how });
  }

  /** Asks a question and resolves once the chat is in the situation. The result ends the chat. */
  async #chatUntil(situation: Situation, name: string): Promise<() => Promise<void>> {
    const abort = new AbortController();
    // The name comes first, so that no part of the question is in the cache.
    const messages: ChatTurn[] = [textTurn('user', `// ${name}\n${functionsText(8)}\nWhat does this do?`)];
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

  /** Holds a conversation and says what was computed for each further question. */
  async followUps(): Promise<FollowUpRow[]> {
    const messages: ChatTurn[] = [];
    const rows: FollowUpRow[] = [];
    for (let turn = 1; turn <= TURNS; turn++) {
      const text = `What does total${turn} do?`;
      messages.push(textTurn('user', turn === 1 ? `${functionsText(3)}\n${text}` : text));
      const said: string[] = [];
      const { tokensPrefilled, tokensReused } = await this.#talk(messages, undefined, (part) => said.push(part), 60);
      messages.push(textTurn('assistant', said.join('')));
      const { counts } = await this.#client.call('countTokens', {
        modelId: this.#modelId,
        texts: [textOf(messages.at(-2)!)],
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
    return this.#client.call('chat', params, {
      ...(signal && { signal }),
      onPart: (part) => part.type === 'text' && onText(part.text),
    });
  }
}

/** Similar functions, no two of them the same. */
export function functionsText(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const [name, item] = [`total${i}`, `item${i}`];
    return `export function ${name}(values: number[], limit = ${i}): number {\n  let sum = 0;\n  for (const ${item} of values) {\n    if (${item} > limit) sum += ${item};\n  }\n  return sum;\n}\n`;
  }).join('\n');
}
