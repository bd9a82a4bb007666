/** What chat and completions know of their server: the client, the served model, and how it is with them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenAI } from 'openai';
import { APIError } from 'openai/error';
import { Emitter, type Event } from 'vscode-jsonrpc';
import { Cancelled } from '../../engine/errors.ts';
import { longestAnswer } from '../../engine/prompt/budget.ts';
import { abortable } from '../common/abortable.ts';
import type { EngineState, ModelStatus, ReadyModel } from '../engine/engine.ts';
import { listModels, openClient, type ServedModel } from './client.ts';
import { failureOf } from './failureOf.ts';
import { MOST_CROPS, seesPictures } from './families.ts';
import { type FaultKind, faultText, RemoteFailure } from './faults.ts';
import { type RemoteServer, serverName } from './server.ts';
import type { RemoteHost } from './serverFetch.ts';

/** Sends nothing before its first call. All calls reject with RemoteFailure. */
export interface RemoteModel extends ModelStatus {
  /** Gets ready for the first call. Failures show in the state. */
  warmUp(): void;
  /** Ends what is on its way. */
  dispose(): void;
}

export interface Connected {
  readonly server: RemoteServer;
  readonly client: OpenAI;
  readonly model: Required<ServedModel>;
}

/** Where the server does not say how much its model can read. */
const USUAL_CONTEXT = 4096;

/** Connects with the first call, and again with each call after a failure. */
export class RemoteConnection implements ModelStatus {
  readonly server: RemoteServer;
  readonly host: RemoteHost;
  readonly #stateChanged = new Emitter<EngineState>();
  #state: EngineState;
  #connected: Promise<Connected> | undefined;
  #disposed = new AbortController();

  constructor(server: RemoteServer, host: RemoteHost) {
    this.server = server;
    this.host = host;
    this.#state = { kind: 'off', server: serverName(server) };
  }

  get state(): EngineState {
    return this.#state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#stateChanged.event;
  }

  warmUp(): void {
    this.#connected ??= this.#connect();
    this.#connected.catch(() => {});
  }

  /**
   * Runs a request, whose signal also ends with the connection. A server that is busy and asks for a short pause is asked
   * once more. Rejects with RemoteFailure; after a fault of the connection the next call connects anew.
   */
  async during<T>(
    signal: AbortSignal,
    request: (connected: Connected, signal: AbortSignal) => Promise<T>,
    { waits = true } = {},
  ): Promise<T> {
    const all = AbortSignal.any([signal, this.#disposed.signal]);
    const opened = (this.#connected ??= this.#connect());
    try {
      const connected = await abortable(opened, all, () => new Cancelled());
      return await request(connected, all).catch(async (error: unknown) => {
        const pauseMs = waits ? shortPauseMs(error) : undefined;
        if (pauseMs === undefined) throw error;
        await this.#pause(pauseMs, all);
        return request(connected, all);
      });
    } catch (error) {
      const failure = failureOf(error, this.server, this.host.t, all);
      if (this.#connected === opened && !OF_ONE_REQUEST.has(failure.fault)) this.#failed(failure);
      throw failure;
    }
  }

  dispose(): void {
    this.#disposed.abort();
    this.#connected = undefined;
    this.#stateChanged.dispose();
  }

  async #connect(): Promise<Connected> {
    // Listeners of the state may call again, which must find #connected set.
    await Promise.resolve();
    this.#setState({ kind: 'starting', server: serverName(this.server) });
    try {
      const { server, host } = this;
      const client = await openClient(server, host);
      const models = await listModels(server, host, this.#disposed.signal);
      const model = models.find(({ id }) => id === server.model);
      if (!model)
        throw new RemoteFailure('modelGone', faultText('modelGone', serverName(server), server.model, host.t));
      const connected = { server, client, model: { contextLength: USUAL_CONTEXT, ...model } };
      this.#setState({ kind: 'ready', model: readyModel(server, connected.model), notes: [] });
      return connected;
    } catch (error) {
      const failure = failureOf(error, this.server, this.host.t);
      this.#failed(failure);
      throw failure;
    }
  }

  /** Waits, and says so in the state. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { state } = this;
    const { t, log } = this.host;
    const note = t('{0} is busy. The next attempt is in {1} s.', serverName(this.server), Math.ceil(ms / 1000));
    log(note);
    if (state.kind === 'ready') this.#setState({ ...state, notes: [...state.notes, note] });
    try {
      await delay(ms, undefined, { signal });
    } finally {
      if (state.kind === 'ready' && this.#state.kind === 'ready') this.#setState(state);
    }
  }

  #failed({ message }: RemoteFailure): void {
    this.#connected = undefined;
    this.#setState({ kind: 'failed', message, remedy: 'server', retrying: false });
  }

  #setState(state: EngineState): void {
    if (this.#disposed.signal.aborted) return;
    this.#state = state;
    this.#stateChanged.fire(state);
  }
}

/** After these the server is as good as before. */
const OF_ONE_REQUEST: ReadonlySet<FaultKind> = new Set(['cancelled', 'tooLong', 'badRequest', 'busy']);

/** A pause that a user would rather wait for than ask again. */
const LONGEST_PAUSE_MS = 10_000;

/** The pause that a busy server asks for, where it is short. */
function shortPauseMs(error: unknown): number | undefined {
  if (!(error instanceof APIError) || error.status !== 429) return undefined;
  const seconds = Number.parseFloat(error.headers?.get('retry-after') ?? '');
  return seconds >= 0 && seconds * 1000 <= LONGEST_PAUSE_MS ? seconds * 1000 : undefined;
}

function readyModel(server: RemoteServer, { id, family, contextLength }: Required<ServedModel>): ReadyModel {
  return {
    modelId: id,
    name: id,
    contextLength,
    backend: 'server',
    chat: true,
    longestAnswer: longestAnswer(contextLength),
    images: seesPictures(family) ? { mostCrops: MOST_CROPS } : null,
    device: serverName(server),
    notes: [],
    bytes: 0,
    sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1 },
  };
}
