/** Serves windows as the engine does, but without a model: the answers are scripted. */
import { appendFileSync, readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Cancelled, errorMessage, throwIfAborted } from '../../../engine/errors.ts';
import { lineAt } from '../../../engine/prompt/lines.ts';
import { traffic } from '../../../engine/traffic.ts';
import type { ServerOptions } from '../../../engine/serve/server.ts';
import { textOf } from '../../../engine/wire/chatTurns.ts';
import type {
  ChatImage,
  ChatParams,
  ChatResult,
  ChatTurn,
  CompleteResult,
  Failure,
  ImageCost,
  LoadParams,
  ModelInfo,
} from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { type Call, type Handlers, serve } from '../../../engine/wire/rpc.ts';
import { fakeFit, type FakeFitRule } from '../engine/fakeFit.ts';
import type { ScriptRule } from './scriptedEngine.ts';
import { GREEDY_SAMPLING } from '../engine/greedySampling.ts';

/** Longer than the time limit of any test. */
const FOREVER_MS = 600_000;
/** Time for the parts to leave the process before it is killed. */
const SENDING_MS = 100;
const CONTEXT_LENGTH = 4096;
const DEFAULT_CHUNK = 8;
/** Number of characters that remain of a source. */
export const FIT_CHARACTERS = 2000;

const STATISTICS = { tokensReused: 0, tokensGenerated: 1, prefillMs: 1, decodeMs: 1 };
/** What each picture takes for a model that sees. */
const COSTS: ImageCost[] = [
  { mostCrops: 16, tokens: 1921, seconds: 170 },
  { mostCrops: 4, tokens: 757, seconds: 41 },
];
const sees = (model: string): boolean => model.endsWith('seeing');
const tokensOf = (text: string): number => Math.ceil(text.length / 4);
const FIT: FakeFitRule = { contextLength: CONTEXT_LENGTH, count: tokensOf, keep };

/** Completes with the last line in capitals, and answers by the script or, without one, with the question in capitals. */
export class ScriptedServer {
  #clients = 0;
  readonly #models = new Map<string, ModelInfo>();
  readonly #options: ServerOptions;
  readonly #script: string | undefined;

  /** `script` is a file of ScriptRules, read again for each answer; the requests go to a file beside it. */
  constructor(options: ServerOptions, script: string | undefined) {
    this.#options = options;
    this.#script = script;
  }

  accept(stream: Duplex): void {
    let saidGoodbye = false;
    const handlers: Handlers = {
      initialize: async ({ version }) => {
        this.#options.onClients(++this.#clients, 'arrived');
        return { version, pid: process.pid };
      },
      load: async (params, call) => this.#load(params, call),
      prefill: async ({ prefix }, { signal }) => {
        if (prefix === 'hang') await hang(signal);
        return { tokensPrefilled: tokensOf(prefix) };
      },
      complete: (params, { signal }) => {
        if (params.prefix === 'unload') setImmediate(() => connection.notify('unloaded', { modelId: params.modelId }));
        return complete(params.prefix, signal);
      },
      chat: (params, call) => this.#chat(params, call),
      fit: async (params) => fakeFit(params, FIT).fit,
      countTokens: async ({ texts }) => ({ counts: texts.map(tokensOf) }),
      likelihoods: async () => ({ values: [] }),
      imageCosts: async ({ modelId }) => ({ costs: sees(modelId) ? COSTS : [] }),
      doctor: async () => ({
        runtime: this.#options.runtime,
        backends: [{ backend: 'wasm', usable: true, details: ['scripted'], reason: '' }],
        models: [...this.#models.values()],
        sessions: 0,
        bytesHeld: 0,
      }),
      traffic: async () => ({ traffic: traffic() }),
    };
    const connection = serve(stream, handlers, {
      toFailure,
      onGoodbye: () => {
        saidGoodbye = true;
        connection.end();
      },
      onClosed: () => {},
      onTyping: () => {},
      onClose: () => this.#options.onClients(--this.#clients, saidGoodbye ? 'goodbye' : 'left'),
    });
  }

  async dispose(): Promise<void> {}

  #load({ model, backend }: LoadParams, { part }: Call<'load'>): ModelInfo {
    const folder = String(model);
    if (folder.endsWith('missing')) {
      throw new EngineFailure({ kind: 'badModel', message: `${folder} is not a folder.` });
    }
    if (folder.endsWith('tight') && this.#models.has(folder)) {
      throw new EngineFailure({ kind: 'outOfMemory', message: `${folder} does not fit again.` });
    }
    part({ loadedBytes: 1, totalBytes: 2 });
    const info: ModelInfo = {
      modelId: folder,
      name: `scripted ${folder}`,
      backend: backend === 'auto' ? 'wasm' : backend,
      chat: true,
      contextLength: CONTEXT_LENGTH,
      longestAnswer: CONTEXT_LENGTH / 2,
      images: sees(folder) ? { mostCrops: COSTS[0]!.mostCrops } : null,
      device: 'none',
      notes: this.#options.noGpu ? [this.#options.noGpu] : [],
      bytes: 1000,
      sampling: GREEDY_SAMPLING,
    };
    this.#models.set(folder, info);
    return info;
  }

  async #chat({ sources, ...params }: ChatParams, { signal, part }: Call<'chat'>): Promise<ChatResult> {
    let { messages } = params;
    if (sources) {
      const { fit, question } = fakeFit({ ...params, sources }, FIT);
      const images = messages.at(-1)!.content.filter(({ type }) => type === 'image');
      messages = messages.with(-1, { role: 'user', content: [...images, { type: 'text', text: question }] });
      part({ type: 'fitted', fit, question });
    }
    const said = messages.map((turn) => ({ role: turn.role, text: textOf(turn), images: imagesOf(turn) }));
    const question = said.findLast(({ role }) => role === 'user')!.text;
    const rule = this.#ruleFor(question, { ...params, messages: said });
    const last = said.at(-1)!;
    const { answer = '' } = rule;
    const rest = last.role === 'assistant' && answer.startsWith(last.text) ? answer.slice(last.text.length) : answer;
    await say(rest, rule, signal, (text) => part({ type: 'text', text }));
    const tokens = { tokensGenerated: tokensOf(rest), tokensPrefilled: tokensOf(question) };
    return { ...STATISTICS, ...tokens, stop: 'end', messagesDropped: 0 };
  }

  /** The first rule whose `when` matches the question. */
  #ruleFor(question: string, request: object): ScriptRule {
    if (this.#script === undefined) return { when: '', answer: question.toUpperCase(), chunk: 4 };
    appendFileSync(`${this.#script}.requests`, `${JSON.stringify(request)}\n`);
    const rules = JSON.parse(readFileSync(this.#script, 'utf8')) as ScriptRule[];
    return rules.find(({ when }) => RegExp(when).test(question)) ?? { when: '', answer: `No rule for: ${question}` };
  }
}

function imagesOf({ content }: ChatTurn): ChatImage[] {
  return content.filter((piece) => piece.type === 'image');
}

async function complete(prefix: string, signal: AbortSignal): Promise<CompleteResult> {
  if (prefix === 'hang') await hang(signal);
  const text = prefix.split('\n').at(-1)!.toUpperCase();
  const seen = { lines: [[1, 1]] as [number, number][], totalLines: 1 };
  return { text, ...STATISTICS, tokensPrefilled: prefix.length, stop: 'end', seen };
}

async function say(
  text: string,
  { chunk = DEFAULT_CHUNK, delayMs = 0, crash, hang: hangs }: ScriptRule,
  signal: AbortSignal,
  part: (text: string) => void,
): Promise<void> {
  let parts = 0;
  for (let at = 0; at < text.length && parts !== crash; at += chunk, parts++) {
    if (delayMs > 0 || parts % 100 === 99) await hang(signal, delayMs);
    part(text.slice(at, at + chunk));
  }
  if (crash !== undefined) {
    await hang(signal, SENDING_MS);
    process.kill(process.pid, 'SIGKILL');
  }
  if (hangs) await hang(signal);
}

/** Keeps the first whole lines, and a note in place of the others. */
function keep(text: string): ReturnType<FakeFitRule['keep']> {
  const totalLines = lineAt(text, text.length);
  if (text.length <= FIT_CHARACTERS) return { text, lines: [[1, totalLines]] };
  const kept = text.slice(0, text.lastIndexOf('\n', FIT_CHARACTERS) + 1);
  const last = kept.split('\n').length - 1;
  return { text: `${kept}[left out: lines ${last + 1}-${totalLines}]`, lines: last > 0 ? [[1, last]] : [] };
}

/** Rejects with Cancelled. */
async function hang(signal: AbortSignal, ms = FOREVER_MS): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => throwIfAborted(signal));
}

function toFailure(error: unknown): Failure {
  if (error instanceof EngineFailure) return error.failure;
  return { kind: error instanceof Cancelled ? 'cancelled' : 'bug', message: errorMessage(error) };
}
