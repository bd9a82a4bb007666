/** What chat and completions know of their server: the client, the served model, and how it is with them. */
import type { OpenAI } from 'openai';
import { Emitter, type Event } from 'vscode-jsonrpc';
import type { EngineState, ModelStatus, ReadyModel } from '../engine/engine.ts';
import { listModels, openClient, type ServedModel } from './client.ts';
import { failureOf } from './failureOf.ts';
import { faultText, RemoteFailure } from './faults.ts';
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
  #state: EngineState = { kind: 'off' };
  #connected: Promise<Connected> | undefined;
  #disposed = new AbortController();

  constructor(server: RemoteServer, host: RemoteHost) {
    this.server = server;
    this.host = host;
  }

  get state(): EngineState {
    return this.#state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#stateChanged.event;
  }

  /** Asks the server for its models, once. Rejects with RemoteFailure, which the state shows too. */
  connected(): Promise<Connected> {
    return (this.#connected ??= this.#connect());
  }

  /** Runs a request. Rejects with RemoteFailure; after a fault of the connection the next call connects anew. */
  async during<T>(signal: AbortSignal, request: (connected: Connected) => Promise<T>): Promise<T> {
    const all = AbortSignal.any([signal, this.#disposed.signal]);
    try {
      return await request(await this.connected());
    } catch (error) {
      const failure = failureOf(error, this.server, this.host.t, all);
      if (!STAYS.has(failure.fault)) this.#failed(failure);
      throw failure;
    }
  }

  dispose(): void {
    this.#disposed.abort();
    this.#connected = undefined;
    this.#stateChanged.dispose();
  }

  async #connect(): Promise<Connected> {
    // Who asks for the state meanwhile must find #connected set.
    await Promise.resolve();
    this.#setState({ kind: 'starting' });
    try {
      const { server, host } = this;
      const client = await openClient(server, host);
      const models = await listModels(server, host, this.#disposed.signal);
      const model = models.find(({ id }) => id === server.model);
      if (!model)
        throw new RemoteFailure('modelGone', faultText('modelGone', serverName(server), server.model, host.t));
      const connected = { client, model: { contextLength: USUAL_CONTEXT, ...model } };
      this.#setState({ kind: 'ready', model: readyModel(server, connected.model), notes: [] });
      return connected;
    } catch (error) {
      const failure = failureOf(error, this.server, this.host.t);
      this.#failed(failure);
      throw failure;
    }
  }

  #failed({ message }: RemoteFailure): void {
    this.#connected = undefined;
    this.#setState({ kind: 'failed', message, remedy: 'settings', retrying: false });
  }

  #setState(state: EngineState): void {
    if (this.#disposed.signal.aborted) return;
    this.#state = state;
    this.#stateChanged.fire(state);
  }
}

/** Faults of one request, after which the server is as good as before. */
const STAYS: ReadonlySet<string> = new Set(['cancelled', 'tooLong', 'badRequest', 'busy', 'brokenStream']);

function readyModel(server: RemoteServer, { id, contextLength }: Required<ServedModel>): ReadyModel {
  return {
    modelId: id,
    name: id,
    contextLength,
    backend: 'server',
    chat: true,
    longestAnswer: Math.floor(contextLength / 2),
    images: null,
    device: serverName(server),
    notes: [],
    bytes: 0,
    sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1 },
  };
}
