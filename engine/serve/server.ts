/** Runs the protocol's methods on models and sessions. Knows neither sockets nor processes. */
import { timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { BackendLost, OutOfMemory } from '../../kernels/ops.ts';
import { answerChat, countTokens, fitChat } from '../chat/answer.ts';
import { withText } from '../chat/pictures.ts';
import { completeInDocument, prefillInDocument } from '../document/completeInDocument.ts';
import { BadModel, BadRequest, Cancelled, errorMessage, PromptTooLong } from '../errors.ts';
import { KvDiskCache } from '../inference/kvDiskCache.ts';
import { likelihoods } from '../inference/likelihood.ts';
import { Scheduler } from '../inference/scheduler.ts';
import { MemoryLedger } from '../load/memoryLedger.ts';
import { type KnownGpuSpeed, type ReadKnownTuning, backendReports, withoutGpu } from '../load/openBackend.ts';
import type { Syntax } from '../syntax/findErrors.ts';
import { traffic } from '../traffic.ts';
import { imageCosts } from '../vision/imageCosts.ts';
import { textTurn } from '../wire/chatTurns.ts';
import type {
  ChatParams,
  ChatResult,
  CompleteParams,
  CompleteResult,
  DoctorReport,
  Failure,
  LoadParams,
  Methods,
} from '../wire/protocol.ts';
import { type Call, type Handlers, serve, type ServedConnection } from '../wire/rpc.ts';
import type { BackendTrialOptions } from './backendTrial.ts';
import type { IdleTuningOptions } from './idleTuning.ts';
import { imageRates } from './imageRates.ts';
import { makeRoom } from './makeRoom.ts';
import { type LiveModel, type ModelLoader, SharedModel } from './sharedModel.ts';

export interface ServerOptions {
  readonly version: string;
  /** Called for every connection, since a new token is written when the directory was cleared. */
  readonly readToken: () => string;
  readonly runtime: string;
  /** Why the GPU must not be used in this process; empty when it may be used. */
  readonly noGpu: string;
  readonly onClients: (count: number, reason: 'arrived' | 'left' | 'goodbye') => void;
  readonly log: (message: string) => void;
  /** The GPU's speed is missing in reports where absent. */
  readonly knownGpuSpeed?: KnownGpuSpeed;
  /** The GPU's plain kernels run where absent. */
  readonly knownTuning?: ReadKnownTuning;
  /** They are not chosen in idle time where absent. */
  readonly idleTuning?: IdleTuningOptions;
  /** Models stay on a GPU, even if the CPU were faster, where absent. */
  readonly backendTrial?: BackendTrialOptions;
  /** The parsers that judge completions; only brackets are checked where absent. */
  readonly syntax?: Syntax;
  /** loadInUse when absent; a test may let it fail. */
  readonly loadModel?: ModelLoader;
}

/** A connection without an accepted `initialize` is closed after this time. */
const INTRODUCTION_MS = 5000;
/** Time to send a refusal before the connection is closed. */
const REFUSAL_MS = 100;

interface Client {
  readonly id: string;
  connection: ServedConnection;
  accepted: boolean;
  saidGoodbye: boolean;
}

export class EngineServer {
  readonly #scheduler = new Scheduler();
  readonly #ledger = new MemoryLedger();
  readonly #models = new Map<string, SharedModel<Client>>();
  readonly #clients = new Set<Client>();
  /** One store for all models, so that its limit holds. */
  readonly #diskCache: KvDiskCache;
  #nextClient = 1;

  readonly #options: ServerOptions;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#diskCache = new KvDiskCache(options.log);
  }

  /** Serves one window until its stream ends. */
  accept(stream: Duplex): void {
    const handlers: Handlers = {
      initialize: async (params) => this.#initialize(client, params),
      load: (params, call) => this.#load(this.#known(client), params, call),
      complete: (params, call) => this.#complete(this.#known(client), params, call.signal),
      prefill: (params, call) => this.#prefill(this.#known(client), params, call.signal),
      chat: (params, call) => this.#chat(this.#known(client), params, call),
      fit: (params, { signal }) =>
        this.#onModel(this.#known(client), params, signal, ({ model }) => fitChat(model, params, signal)),
      countTokens: (params, { signal }) =>
        this.#onModel(this.#known(client), params, signal, async ({ model }) => ({
          counts: await countTokens(model, params.texts, signal),
        })),
      likelihoods: (params, { signal }) =>
        this.#onModel(this.#known(client), params, signal, async ({ model }) => ({
          values: await likelihoods(model, params, signal),
        })),
      imageCosts: (params, { signal }) =>
        this.#onModel(this.#known(client), params, signal, async (live) => ({
          costs: imageCosts(live.info, params, await imageRates(live, signal)),
        })),
      doctor: async (params) => {
        this.#known(client);
        return this.#doctor(params.allowSoftwareGpu);
      },
      traffic: async () => {
        this.#known(client);
        return { traffic: traffic() };
      },
    };
    const client: Client = {
      id: `${this.#nextClient++}`,
      accepted: false,
      saidGoodbye: false,
      connection: serve(stream, handlers, {
        toFailure: (error) => this.#toFailure(error),
        onGoodbye: () => {
          client.saidGoodbye = true;
          client.connection.end();
        },
        onClosed: (sessionId) => void this.#closed(client, sessionId),
        onTyping: () => client.accepted && this.#scheduler.typing(),
        onClose: () => void this.#leave(client),
      }),
    };
    setTimeout(() => client.accepted || client.connection.end(), INTRODUCTION_MS).unref();
  }

  /** Unloads all models. Open calls fail. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.connection.end();
    const models = [...this.#models.values()];
    this.#models.clear();
    await Promise.all(models.map((model) => model.dispose()));
  }

  #initialize(client: Client, { version, token }: Methods['initialize']['params']): Methods['initialize']['result'] {
    const refuse = (failure: Failure): never => {
      setTimeout(() => client.connection.end(), REFUSAL_MS);
      throw new Refused(failure);
    };
    if (version !== this.#options.version) {
      const message = `The running engine has version ${this.#options.version}, but this window needs version ${version}.`;
      refuse({ kind: 'versionMismatch', message });
    }
    if (!sameSecret(token, this.#options.readToken())) {
      refuse({ kind: 'badRequest', message: 'The engine refused this window because its token is wrong.' });
    }
    client.accepted = true;
    this.#clients.add(client);
    this.#options.onClients(this.#clients.size, 'arrived');
    return { version: this.#options.version, pid: process.pid };
  }

  async #load(client: Client, params: LoadParams, call: Call<'load'>): Promise<LiveModel['info']> {
    const { noGpu } = this.#options;
    const backend = noGpu ? withoutGpu(params.backend) : params.backend;
    if (!backend) throw new BadRequest(noGpu);
    this.#diskCache.keepIn(params.kvDiskCache);
    const model = this.#share({ ...params, backend });
    model.users.add(client);
    const { info } = await model.live((progress) => call.part(progress));
    return noGpu ? { ...info, notes: [noGpu, ...info.notes] } : info;
  }

  async #complete(client: Client, params: CompleteParams, signal: AbortSignal): Promise<CompleteResult> {
    const { sessionId } = params;
    this.#scheduler.typing();
    const result = await this.#onModel(client, params, signal, ({ model, documents }) =>
      documents.run(sessionKey(client, sessionId), signal, (session, either) => {
        session.backgroundPrefill.onActive = (active) =>
          client.connection.notify('backgroundPrefill', { sessionId, active });
        return completeInDocument(model, session, params, either, this.#options.syntax);
      }),
    );
    this.#scheduler.ghostTextSent();
    return result;
  }

  /** A completion of the document that comes meanwhile ends it, and goes on where it was. */
  async #prefill(client: Client, params: CompleteParams, signal: AbortSignal): Promise<Methods['prefill']['result']> {
    // Where another model needs the memory, it is unloaded all the same.
    const model = this.#modelOf(client, params);
    const { current } = model;
    if (!current) return { tokensPrefilled: 0 };
    try {
      const tokensPrefilled = await current.documents.run(
        sessionKey(client, params.sessionId),
        signal,
        (session, either) => prefillInDocument(current.model, session, params, either),
        { yields: true },
      );
      return { tokensPrefilled };
    } catch (error) {
      if (signal.aborted) throw error;
      await model.recover(current, error); // So that the next completion need not.
      return { tokensPrefilled: 0 };
    }
  }

  #chat(client: Client, params: ChatParams, { signal, part }: Call<'chat'>): Promise<ChatResult> {
    const sent: { question?: string; answer: string } = { answer: '' };
    return this.#onModel(client, params, signal, ({ model, chats, speed }) =>
      chats.run(sessionKey(client, params.sessionId), signal, async (session, either) => {
        // When the backend failed in the middle of an answer, the next run continues it.
        const result = await answerChat(model, session, continued(params, sent), either, (next) => {
          if (next.type === 'fitted') sent.question = next.question;
          else if (next.type === 'text') sent.answer += next.text;
          part(next);
        });
        speed.addInterrupted(result.tokensPrefilled, result.prefillMs);
        return result;
      }),
    );
  }

  /** Runs `job` on the client's model. */
  async #onModel<T>(
    client: Client,
    params: { modelId: string },
    signal: AbortSignal,
    job: (live: LiveModel) => Promise<T>,
  ): Promise<T> {
    return this.#modelOf(client, params).use(job, signal);
  }

  #modelOf(client: Client, { modelId }: { modelId: string }): SharedModel<Client> {
    const model = [...this.#models.values()].find(({ id, users }) => id === modelId && users.has(client));
    if (!model) throw new BadRequest('The model of this request is not loaded.');
    return model;
  }

  async #closed(client: Client, sessionId: string): Promise<void> {
    const used = [...this.#models.values()].filter(({ users }) => users.has(client));
    await Promise.all(used.map(({ current }) => release(current, sessionKey(client, sessionId))));
  }

  async #doctor(allowSoftwareGpu: boolean | undefined): Promise<DoctorReport> {
    const options = allowSoftwareGpu === undefined ? {} : { allowSoftwareGpu };
    const { knownGpuSpeed, knownTuning } = this.#options;
    const backends = await backendReports(options, knownGpuSpeed, knownTuning);
    const live = [...this.#models.values()].flatMap((model) => model.current ?? []);
    return {
      runtime: this.#options.runtime,
      backends,
      models: live.map(({ info }) => info),
      sessions: live.reduce((sum, { documents, chats }) => sum + documents.size + chats.size, 0),
      bytesHeld: live.reduce((sum, { model }) => sum + model.bytesHeld(), 0),
    };
  }

  #share(params: LoadParams): SharedModel<Client> {
    const key = JSON.stringify([params.model, params.backend, params.allowSoftwareGpu ?? false]);
    const known = this.#models.get(key);
    if (known) return known;
    const { log, version, loadModel, knownTuning, idleTuning, backendTrial } = this.#options;
    const others = () => [...this.#models.values()].filter((other) => other !== model);
    const model: SharedModel<Client> = new SharedModel<Client>(key, params, {
      scheduler: this.#scheduler,
      ledger: this.#ledger,
      diskCache: { cache: this.#diskCache, version },
      log,
      loadModel,
      knownTuning,
      idleTuning,
      backendTrial,
      makeRoom: () => makeRoom(others()),
      heldByOthers: () => others().reduce((sum, { current }) => sum + (current?.model.bytesHeld() ?? 0), 0),
      onUnloaded: () => {
        log(`${String(params.model)} was unloaded: another model needs its memory.`);
        for (const { connection } of model.users) connection.notify('unloaded', { modelId: key });
      },
      onMoved: (info, reason) => {
        log(`${info.name} now runs on ${info.backend} (${info.device}): ${reason}`);
        for (const { connection } of model.users) connection.notify('backendChanged', { model: info, reason });
      },
    });
    this.#models.set(key, model);
    return model;
  }

  #known(client: Client): Client {
    if (!client.accepted) throw new BadRequest('The first message must be initialize.');
    return client;
  }

  async #leave(client: Client): Promise<void> {
    if (!this.#clients.delete(client)) return;
    this.#options.onClients(this.#clients.size, client.saidGoodbye ? 'goodbye' : 'left');
    for (const [key, model] of this.#models) {
      if (!model.users.delete(client)) continue;
      if (model.users.size > 0) {
        await release(model.current, `${client.id} `);
        continue;
      }
      this.#models.delete(key);
      await model.dispose();
    }
  }

  #toFailure(error: unknown): Failure {
    if (error instanceof Refused) return error.failure;
    const message = errorMessage(error);
    if (error instanceof Cancelled) return { kind: 'cancelled', message };
    if (error instanceof BadModel) return { kind: 'badModel', message };
    if (error instanceof PromptTooLong) return { kind: 'promptTooLong', message };
    if (error instanceof BadRequest) return { kind: 'badRequest', message };
    if (error instanceof OutOfMemory) return { kind: 'outOfMemory', message };
    this.#options.log(error instanceof Error ? (error.stack ?? message) : message);
    if (error instanceof BackendLost) return { kind: 'engineGone', message };
    return { kind: 'bug', message };
  }
}

/** Disposes the sessions whose key starts with `prefix`. */
async function release(live: LiveModel | undefined, prefix: string): Promise<void> {
  await Promise.all([live?.documents.release(prefix), live?.chats.release(prefix)]);
}

/** The request for the rest of an answer, once its question was composed and `answer` was sent. */
function continued(
  { sources, ...request }: ChatParams,
  { question, answer }: { question?: string; answer: string },
): ChatParams {
  let { messages } = request;
  if (question !== undefined) messages = messages.with(-1, withText(messages.at(-1)!, question));
  if (answer !== '') {
    const last = messages.at(-1)!;
    if (last.role !== 'assistant') messages = [...messages, textTurn('assistant', answer)];
    else messages = messages.with(-1, { ...last, content: [...last.content, { type: 'text', text: answer }] });
  }
  return { ...request, messages, ...(sources && question === undefined ? { sources } : {}) };
}

/** No key is the beginning of another one. */
function sessionKey({ id }: Client, sessionId: string): string {
  return `${id} ${sessionId}\0`;
}

class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}
