/** An engine server in this process with tiny models, and windows that call it. */
import { duplexPair } from 'node:stream';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import { loadModel } from '../../../engine/load/loadModel.ts';
import { EngineServer, type ServerOptions } from '../../../engine/serve/server.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { Backend, ChatParams } from '../../../engine/wire/protocol.ts';
import { EngineFailure } from '../../../engine/wire/failure.ts';
import { RpcClient } from '../../../engine/wire/rpc.ts';
import { parrotModel } from './parrotModel.ts';
import { TestModels } from './testModels.ts';
import type { TinyFolder } from './tinyModel.ts';

export const TOKEN = 'secret';
/** The model continues this phrase after any of its words, in a document as in an answer. */
const PHRASE = '\nThe answer is forty two';
export const ANSWER = 'The answer is forty two';

/** Returns a function that starts servers for the tests of the describe() that calls this one. */
export function testServers() {
  let folder: TinyFolder;
  const servers: EngineServer[] = [];
  /** Loaded once for all servers, since only the servers are tested. */
  let loaded: Promise<LoadedModel> | undefined;
  const others: LoadedModel[] = [];
  before(() => {
    folder = parrotModel([PHRASE], { chat: true });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.dispose();
  });
  after(async () => {
    for (const model of [await loaded, ...others]) await model?.dispose();
    folder.remove();
  });
  const loadReal: typeof loadModel = async (model, options) => {
    const onWasm = { ...options, backend: 'wasm', threads: 1 } as const;
    if (model === folder.path) return (loaded ??= loadModel(model, onWasm));
    const other = await loadModel(model, onWasm);
    others.push(other);
    return other;
  };

  return (options: Partial<ServerOptions> = {}) => {
    const models = new TestModels(loadReal);
    const clients: string[] = [];
    const server = new EngineServer({
      version: '1.0.0',
      readToken: () => TOKEN,
      runtime: 'Node',
      noGpu: '',
      onClients: (count, reason) => clients.push(`${count} ${reason}`),
      log: () => {},
      loadModel: models.load,
      ...options,
    });
    servers.push(server);
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
    const load = (client: RpcClient, backend: 'auto' | Backend = 'auto', model = folder.path) =>
      client.call('load', { model, backend });
    return { models, server, clients, connect, open, load };
  };
}

const REST = { suffix: '', fileName: 'a.ts', languageId: 'typescript', maxTokens: 8, multiline: 'auto' } as const;
const never = new AbortController().signal;

export async function complete(client: RpcClient, modelId: string, prefix = 'x', sessionId = 'a.ts', signal = never) {
  return client.call('complete', { modelId, sessionId, prefix, ...REST }, { signal });
}

export async function prefill(client: RpcClient, modelId: string, prefix: string, sessionId = 'a.ts') {
  return client.call('prefill', { modelId, sessionId, prefix, ...REST });
}

/** Gives "done" or the kind and the sentence of the failure. */
export const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof EngineFailure ? `${error.kind}: ${error.message}` : String(error)),
  );

export function chat(
  client: RpcClient,
  modelId: string,
  text: string,
  { parts = [] as string[], ...params }: Partial<ChatParams> & { parts?: string[] } = {},
  signal = never,
) {
  const request = { modelId, sessionId: 'chat', messages: [textTurn('user', text)], maxTokens: 20, ...params };
  return client.call('chat', request, {
    signal,
    onPart: (part) => {
      if (part.type !== 'progress') parts.push(part.type === 'text' ? part.text : part.type);
    },
  });
}
