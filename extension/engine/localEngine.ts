/** The engine as the rest of the extension sees it: started when needed, restarted when it dies, gone when told to. */
import { Emitter, type Event } from 'vscode-jsonrpc';
import type {
  ChatParams,
  ChatPart,
  ChatResult,
  CompleteParams,
  CompleteResult,
  DoctorReport,
  FitParams,
  FitResult,
  LoadParams,
  ModelInfo,
  Notifications,
} from '../../engine/wire/protocol.ts';
import { EngineFailure } from '../../engine/wire/rpc.ts';
import type { ChatModel } from '../chat/conversation/parts.ts';
import { type Connected, connectEngine, type Launch } from './process.ts';
import { orAborted } from '../common/abortable.ts';
import { RestartPolicy } from './restartPolicy.ts';

/** What mends a failure; the status menu offers it first. */
export type Remedy = 'restart' | 'chooseModel' | 'settings';

export type EngineState =
  | { kind: 'off' }
  | { kind: 'starting' }
  | { kind: 'loading'; fraction: number }
  | { kind: 'ready'; model: ModelInfo; notes: readonly string[] }
  /** `retrying`: it starts again by itself. */
  | { kind: 'failed'; message: string; remedy: Remedy; retrying: boolean };

/** Read for every start, so that changed settings count. */
export interface EngineSetup {
  launch(): Launch;
  load(): LoadParams;
}

interface Session extends Connected {
  model: ModelInfo;
}

export class Engine implements ChatModel {
  readonly #stateChanged = new Emitter<EngineState>();
  readonly #moved = new Emitter<string>();
  readonly #reading = new Emitter<Notifications['reading']>();
  readonly #policy = new RestartPolicy();
  #state: EngineState = { kind: 'off' };
  #session: Promise<Session> | undefined;
  /** Counts up when a session ends, so that a start that is still under way knows that it is nobody's. */
  #starts = 0;
  #connected: Connected | undefined;
  #retry: NodeJS.Timeout | undefined;

  readonly #setup: EngineSetup;
  readonly #log: (message: string) => void;

  constructor(setup: EngineSetup, log: (message: string) => void) {
    this.#setup = setup;
    this.#log = log;
  }

  get state(): EngineState {
    return this.#state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#stateChanged.event;
  }
  /** The model moved to another backend; the sentence says why. */
  get onDidMove(): Event<string> {
    return this.#moved.event;
  }
  /** The engine begins, or ends, to read the rest of a document. */
  get onDidRead(): Event<Notifications['reading']> {
    return this.#reading.event;
  }
  /** The process, where this window is connected to one. */
  get pid(): number | undefined {
    return this.#connected?.pid;
  }

  /** Starts the engine and loads the model, unless that failed for good. Failures show in the state. */
  warmUp(): void {
    if (this.#blocked() === undefined) this.#open().catch(() => {});
  }

  /** Rejects with EngineFailure; at once where the engine has failed and waits for the user or its next start. */
  async complete(request: Omit<CompleteParams, 'modelId'>, signal: AbortSignal): Promise<CompleteResult> {
    const { client, model } = await this.#ready(signal);
    return client.call('complete', { ...request, modelId: model.modelId }, { signal });
  }

  /** As complete. The answer comes in parts; what came before a rejection stays good. */
  async chat(
    request: Omit<ChatParams, 'modelId'>,
    signal: AbortSignal,
    onPart: (part: ChatPart) => void,
  ): Promise<ChatResult> {
    const { client, model } = await this.#ready(signal);
    return client.call('chat', { ...request, modelId: model.modelId }, { signal, onPart });
  }

  /** What is loaded, or will be by then. Rejects as complete does. */
  async model(signal: AbortSignal): Promise<ModelInfo> {
    return (await this.#ready(signal)).model;
  }

  /** As complete. */
  async fit(request: Omit<FitParams, 'modelId'>, signal: AbortSignal): Promise<FitResult> {
    const { client, model } = await this.#ready(signal);
    return client.call('fit', { ...request, modelId: model.modelId }, { signal });
  }

  /** As complete. */
  async countTokens(texts: string[], signal: AbortSignal): Promise<number[]> {
    const { client, model } = await this.#ready(signal);
    const { counts } = await client.call('countTokens', { texts, modelId: model.modelId }, { signal });
    return counts;
  }

  /** The engine may forget this document or conversation. */
  closed(sessionId: string): void {
    this.#connected?.client.notify('closed', { sessionId });
  }

  /** Needs no model, so it works where loading one failed. */
  async report(): Promise<DoctorReport> {
    const { allowSoftwareGpu } = this.#setup.load();
    const connected = this.#connected ?? (await connectEngine(this.#setup.launch()));
    try {
      return await connected.client.call('doctor', allowSoftwareGpu === undefined ? {} : { allowSoftwareGpu });
    } finally {
      if (connected !== this.#connected) connected.client.goodbye('The report is done.');
    }
  }

  /** Says goodbye; without other windows the process ends. The next request starts it again. */
  stop(): void {
    this.#disconnect('The engine was stopped.');
    this.#policy.reset();
    this.#setState({ kind: 'off' });
  }

  /** The user's wish: ends the process, hung or not, for all windows, and starts a new one. */
  restart(): void {
    const pid = this.pid;
    this.stop();
    if (pid !== undefined) kill(pid);
    this.warmUp();
  }

  dispose(): void {
    this.stop();
    this.#stateChanged.dispose();
    this.#moved.dispose();
    this.#reading.dispose();
  }

  async #ready(signal: AbortSignal): Promise<Session> {
    const blocked = this.#blocked();
    if (blocked !== undefined) throw new EngineFailure({ kind: 'engineGone', message: blocked });
    return orAborted(this.#open(), signal, cancelled);
  }

  #blocked(): string | undefined {
    return this.#state.kind === 'failed' ? this.#state.message : undefined;
  }

  #open(): Promise<Session> {
    return (this.#session ??= this.#start());
  }

  async #start(): Promise<Session> {
    const mine = this.#starts;
    const stale = (): boolean => this.#starts !== mine;
    let connected: Connected | undefined;
    try {
      // Listeners of the state may call stop(), which must find #session set.
      await Promise.resolve();
      if (stale()) throw stopped();
      this.#setState({ kind: 'starting' });
      connected = await connectEngine(this.#setup.launch());
      if (stale()) throw stopped();
      return await this.#load(connected);
    } catch (error) {
      if (stale()) connected?.client.goodbye('The window gave up.');
      else this.#failed(error);
      throw error;
    }
  }

  async #load(connected: Connected): Promise<Session> {
    const { client, notes } = connected;
    this.#connected = connected;
    const isCurrent = (): boolean => this.#connected === connected;
    client.onClose((reason) => {
      if (isCurrent()) this.#died(reason);
    });
    const show = (model: ModelInfo): void => {
      if (isCurrent()) this.#setState({ kind: 'ready', model, notes });
    };
    this.#setState({ kind: 'loading', fraction: 0 });
    const model = await client.call('load', this.#setup.load(), {
      onPart: ({ loadedBytes, totalBytes }) => {
        if (isCurrent()) this.#setState({ kind: 'loading', fraction: totalBytes > 0 ? loadedBytes / totalBytes : 0 });
      },
    });
    if (!isCurrent()) throw stopped();
    const session: Session = { ...connected, model };
    client.onNotification('backendChanged', (moved) => {
      if (moved.model.modelId !== model.modelId) return;
      show(moved.model);
      this.#moved.fire(moved.reason);
    });
    client.onNotification('reading', (reading) => this.#reading.fire(reading));
    this.#log(`${model.name} runs on ${model.backend} (${model.device}), engine process ${connected.pid}.`);
    show(model);
    return session;
  }

  /** The model or the start is at fault: trying again by itself would not help. */
  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#log(message);
    this.#disconnect(message);
    this.#setState({ kind: 'failed', message, remedy: remedyFor(error), retrying: false });
  }

  #died(reason: string): void {
    this.#disconnect(reason);
    const delayMs = this.#policy.crashed(Date.now());
    const next = delayMs === undefined ? 'It failed too often to try again.' : `Next try in ${delayMs / 1000} s.`;
    const message = `${reason} ${next}`;
    this.#log(message);
    if (delayMs !== undefined) {
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#setState({ kind: 'off' });
        this.warmUp();
      }, delayMs);
    }
    this.#setState({ kind: 'failed', message, remedy: 'restart', retrying: delayMs !== undefined });
  }

  #disconnect(reason: string): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const connected = this.#connected;
    this.#connected = undefined;
    this.#session = undefined;
    this.#starts++;
    connected?.client.goodbye(reason);
  }

  #setState(state: EngineState): void {
    this.#state = state;
    this.#stateChanged.fire(state);
  }
}

/** Where the engine could not even be started, its settings are the place to look. */
export function remedyFor(error: unknown): Remedy {
  if (!(error instanceof EngineFailure)) return 'settings';
  switch (error.kind) {
    case 'badModel':
    case 'outOfMemory':
      return 'chooseModel';
    case 'badRequest':
      return 'settings';
    default:
      return 'restart';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already, which is what was wanted.
  }
}

const stopped = (): EngineFailure => new EngineFailure({ kind: 'engineGone', message: 'The engine was stopped.' });
const cancelled = (): EngineFailure => new EngineFailure({ kind: 'cancelled', message: 'The call was cancelled.' });
