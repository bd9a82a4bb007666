/** An engine server in this process with a core that records what happens, and windows that call it. */
import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreLoadOptions, CoreModel, CoreSession, EngineCore, ModelSession } from '../../../engine/serve/core.ts';
import { BadModel, throwIfAborted } from '../../../engine/errors.ts';
import type {
  Backend,
  ChatParams,
  ChatPart,
  CompleteParams,
  FitParams,
  ModelReference,
} from '../../../engine/wire/protocol.ts';
import { EngineFailure, RpcClient } from '../../../engine/wire/rpc.ts';
import { EngineServer, type ServerOptions } from '../../../engine/serve/server.ts';
import type { SnapshotStore } from '../../../engine/inference/kvDiskCache.ts';

export const TOKEN = 'secret';
export const soon = (): Promise<void> => delay(20);

const INFO = { modelId: '', name: 'fake', contextLength: 9, chat: true, notes: [], bytes: 10 };

/** A core that records what happens; a test says what fails. */
export class FakeCore implements EngineCore {
  readonly loads: string[] = [];
  models = 0;
  sessions = 0;
  running = 0;
  mostRunning = 0;
  /** Thrown once per entry by the next completion on that backend. */
  failing: { backend: Backend; error: Error }[] = [];
  failingLoads: Error[] = [];
  loadMs = 0;
  /** How long a session takes to end, and how many a model had left when it ended. */
  endMs = 0;
  orphans = 0;
  /** Whether completions let their file be read. */
  reads = false;

  store: SnapshotStore | undefined;

  async loadModel(
    model: ModelReference,
    { backend, snapshots, signal, onProgress }: CoreLoadOptions,
  ): Promise<CoreModel> {
    this.loads.push(`${String(model)} ${backend}`);
    this.store = snapshots?.store;
    if (model === '/bad') throw new BadModel('/bad is not a model folder.');
    await delay(this.loadMs, undefined, signal ? { signal } : {});
    const error = this.failingLoads.shift();
    if (error) throw error;
    onProgress?.({ loadedBytes: 5, totalBytes: 10 });
    this.models++;
    const chosen = backend === 'auto' ? 'webgpu' : backend;
    return {
      info: { ...INFO, backend: chosen, device: `a ${chosen}` },
      createSession: () => {
        this.sessions++;
        const unused = (): never => assert.fail('not used');
        const dispose = async () => {
          if (this.endMs > 0) await delay(this.endMs);
          this.sessions--;
        };
        return { tokens: [], generate: unused, prefill: unused, saveSnapshot: unused, dispose };
      },
      bytesHeld: () => 10,
      tokensFree: () => Infinity,
      dispose: async () => {
        this.models--;
        this.orphans += this.sessions;
      },
    };
  }

  async complete({ prefix }: CompleteParams, model: CoreModel, { reader }: CoreSession, signal: AbortSignal) {
    if (this.reads) for (const active of [true, false]) reader.onReading(active);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      await delay(prefix === 'slow' ? 60_000 : 1, undefined, { signal }).catch(() => throwIfAborted(signal));
      const index = this.failing.findIndex(({ backend }) => backend === model.info.backend);
      if (index >= 0) throw this.failing.splice(index, 1)[0]!.error;
      const none = { tokensReused: 0, tokensPrefilled: 0, tokensGenerated: 0, prefillMs: 0, decodeMs: 0 };
      const window = { lines: [], totalLines: 0 };
      return { text: `${prefix} on ${model.info.backend}`, stop: 'end' as const, window, ...none };
    } finally {
      this.running--;
    }
  }

  /** Says `hello`, fails where it should, and says what it was asked. */
  async chat(
    { messages }: ChatParams,
    model: CoreModel,
    _session: ModelSession,
    signal: AbortSignal,
    onPart: (part: ChatPart) => void,
  ) {
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      const asked = messages.map(({ role, text }) => `${role}: ${text}`).join(', ');
      onPart({ text: 'hello' });
      if (messages[0]!.text === 'slow') await delay(60_000, undefined, { signal }).catch(() => throwIfAborted(signal));
      const index = this.failing.findIndex(({ backend }) => backend === model.info.backend);
      if (index >= 0) throw this.failing.splice(index, 1)[0]!.error;
      onPart({ text: ` (${asked})` });
      const none = { tokensReused: 0, tokensPrefilled: 0, tokensGenerated: 0, prefillMs: 0, decodeMs: 0 };
      return { ...none, stop: 'end' as const, messagesDropped: 0 };
    } finally {
      this.running--;
    }
  }

  async fit({ maxTokens }: FitParams) {
    return { sources: [], tokensUsed: 1, tokensLimit: maxTokens, messagesDropped: 0 };
  }

  async countTokens(texts: readonly string[]) {
    return texts.map(({ length }) => length);
  }

  async backendReports() {
    return [{ backend: 'wasm' as const, usable: true, details: ['2 threads'], reason: '' }];
  }
}

export function start(options: Partial<ServerOptions> = {}) {
  const core = new FakeCore();
  const clients: string[] = [];
  const server = new EngineServer(core, {
    version: '1.0.0',
    readToken: () => TOKEN,
    runtime: 'Node',
    wasmOnly: '',
    onClients: (count, reason) => clients.push(`${count} ${reason}`),
    log: () => {},
    ...options,
  });
  const connect = (): RpcClient => {
    const [near, far] = duplexPair();
    server.accept(far);
    return new RpcClient(near);
  };
  const open = async (): Promise<RpcClient> => {
    const client = connect();
    await client.call('initialize', { version: '1.0.0', token: TOKEN });
    return client;
  };
  return { core, server, clients, connect, open };
}

export const load = (client: RpcClient, model = '/m', backend: 'auto' | Backend = 'auto') =>
  client.call('load', { model, backend });

export function complete(client: RpcClient, modelId: string, prefix: string, sessionId = 'a.ts') {
  const rest = { suffix: '', fileName: 'a.ts', languageId: 'typescript', maxTokens: 8, multiline: 'auto' } as const;
  return client.call('complete', { modelId, sessionId, prefix, ...rest });
}

export const kindOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof EngineFailure ? `${error.kind}: ${error.message}` : String(error)),
  );

export function chat(
  client: RpcClient,
  modelId: string,
  text: string,
  { sessionId = 'chat', parts = [] as string[] } = {},
) {
  const params = { modelId, sessionId, messages: [{ role: 'user' as const, text }], maxTokens: 8 };
  return client.call('chat', params, { onPart: (part) => parts.push(part.text) });
}
