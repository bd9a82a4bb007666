/** One model in the engine's process, which starts when it is needed, restarts when it dies and ends with its last user. */
import { Emitter, type Event } from 'vscode-jsonrpc';
import type {
  ChatPart,
  ChatResult,
  ImageCost,
  CompleteResult,
  FitResult,
  LoadParams,
  Methods,
  ModelInfo,
  Notifications,
} from '../../engine/wire/protocol.ts';
import { EngineFailure } from '../../engine/wire/failure.ts';
import type { CallOptions, RpcClient } from '../../engine/wire/rpc.ts';
import { abortable } from '../common/abortable.ts';
import { errorMessage } from '../common/errorMessage.ts';
import type {
  ChatModel,
  ChatRequest,
  CompleteRequest,
  CompletionModel,
  EngineState,
  FitRequest,
  LikelihoodsRequest,
  ModelStatus,
} from './engine.ts';
import { type Connected, connectEngine, type Launch } from './process.ts';
import { remedyFor } from './remedy.ts';
import { RestartPolicy } from './restartPolicy.ts';
import { Standby } from './standby.ts';

export interface ModelConnectionHost {
  /** Read for every start, so that changed settings count. */
  launch(): Launch;
  load(): LoadParams;
  log(message: string): void;
  /** Milliseconds after the last call until the model is unloaded; Infinity for never. */
  idleMs(): number;
}

/** A connection on which a model is loaded. */
interface Loaded {
  readonly client: RpcClient;
  readonly model: ModelInfo;
}

type ModelMethod = 'complete' | 'prefill' | 'chat' | 'fit' | 'countTokens' | 'likelihoods' | 'imageCosts';

export class ModelConnection implements CompletionModel, ChatModel, ModelStatus {
  readonly #stateChanged = new Emitter<EngineState>();
  readonly #moved = new Emitter<string>();
  readonly #reading = new Emitter<Notifications['backgroundPrefill']>();
  readonly #policy = new RestartPolicy();
  readonly #standby: Standby;
  readonly #host: ModelConnectionHost;
  #state: EngineState = { kind: 'off' };
  #loaded: Promise<Loaded> | undefined;
  /** Counts up when a connection ends, so that a start that is still under way knows that it is obsolete. */
  #starts = 0;
  #connected: Connected | undefined;
  /** The settings that the newest start has read. */
  #startedWith = '';
  /** Whether the model was loaded with these settings before: then memory that it lacks is a matter of the moment. */
  #fits = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(host: ModelConnectionHost) {
    this.#host = host;
    this.#standby = new Standby({
      end: () => this.#endUnneeded(),
      sleep: () => this.#sleep('idle'),
      idleMs: () => host.idleMs(),
    });
  }

  get state(): EngineState {
    return this.#state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#stateChanged.event;
  }
  get onDidMove(): Event<string> {
    return this.#moved.event;
  }
  get onDidRead(): Event<Notifications['backgroundPrefill']> {
    return this.#reading.event;
  }
  /** The process, where this model is loaded or being loaded in one. */
  get connected(): Connected | undefined {
    return this.#connected;
  }

  warmUp(): void {
    if (this.#blocked() === undefined) this.#open().catch(() => {});
  }

  setStandby(standby: boolean): void {
    this.#standby.set(standby);
  }

  async complete(request: CompleteRequest, signal: AbortSignal): Promise<CompleteResult> {
    return this.#standby.during(() => this.#call('complete', request, { signal }));
  }

  async prefill(request: CompleteRequest, signal: AbortSignal): Promise<number> {
    if (this.#state.kind !== 'ready') return 0;
    // Not a use for the standby: a cursor that moves must neither keep the model nor hide that the engine has unloaded it.
    return (await this.#call('prefill', request, { signal })).tokensPrefilled;
  }

  typing(): void {
    this.#connected?.client.notify('typing', {});
  }

  async chat(request: ChatRequest, signal: AbortSignal, onPart: (part: ChatPart) => void): Promise<ChatResult> {
    return this.#standby.during(() => this.#call('chat', request, { signal, onPart }));
  }

  async fit(request: FitRequest, signal: AbortSignal): Promise<FitResult> {
    // The chips of a draft are counted again and again: that alone must not keep the model.
    return this.#standby.during(() => this.#call('fit', request, { signal }), { extends: false });
  }

  async countTokens(texts: string[], signal: AbortSignal): Promise<number[]> {
    const { counts } = await this.#standby.during(() => this.#call('countTokens', { texts }, { signal }));
    return counts;
  }

  async likelihoods(request: LikelihoodsRequest, signal: AbortSignal): Promise<number[]> {
    if (this.state.kind !== 'ready') return [];
    const { values } = await this.#standby.during(() => this.#call('likelihoods', request, { signal }));
    return values;
  }

  async imageCosts(picture: { width: number; height: number }, signal: AbortSignal): Promise<ImageCost[]> {
    const { width, height } = picture;
    const { costs } = await this.#standby.during(() => this.#call('imageCosts', { width, height }, { signal }));
    return costs;
  }

  closed(sessionId: string): void {
    this.#connected?.client.notify('closed', { sessionId });
  }

  /** Says goodbye; without other windows the process ends. */
  stop(): void {
    this.#disconnect('The engine was stopped.');
    this.#policy.reset();
    this.#fits = false;
    this.#setState({ kind: 'off' });
  }

  /** Stops where the settings differ from those of the newest start, also of one that failed. */
  settingsChanged(): void {
    this.#standby.extend();
    if (this.#state.kind !== 'off' && this.#settings() !== this.#startedWith) this.stop();
  }

  dispose(): void {
    this.#standby.dispose();
    this.stop();
    this.#stateChanged.dispose();
    this.#moved.dispose();
    this.#reading.dispose();
  }

  #endUnneeded(): void {
    if (this.#loaded || this.#state.kind !== 'off') this.stop();
  }

  /** Unloads a model that is ready; a window that stays says goodbye to it only. */
  #sleep(because: 'idle' | 'memory'): void {
    if (this.#state.kind !== 'ready') return;
    this.#disconnect('The model is not needed now.');
    this.#setState({ kind: 'sleeping', because });
  }

  /** What a start reads, as text to compare. */
  #settings(launch = this.#host.launch(), load = this.#host.load()): string {
    const { engineFile, nodeOptions, choice } = launch;
    return JSON.stringify([engineFile, nodeOptions, choice, load]);
  }

  /** Calls a method on the loaded model. */
  async #call<M extends ModelMethod>(
    method: M,
    request: Omit<Methods[M]['params'], 'modelId'>,
    options: CallOptions<M> & { readonly signal: AbortSignal },
  ): Promise<Methods[M]['result']> {
    const { client, model } = await this.#ready(options.signal);
    return client.call(method, { ...request, modelId: model.modelId } as Methods[M]['params'], options);
  }

  async #ready(signal: AbortSignal): Promise<Loaded> {
    const blocked = this.#blocked();
    if (blocked !== undefined) throw new EngineFailure({ kind: 'engineGone', message: blocked });
    return abortable(this.#open(), signal, cancelled);
  }

  #blocked(): string | undefined {
    return this.#state.kind === 'failed' ? this.#state.message : undefined;
  }

  #open(): Promise<Loaded> {
    return (this.#loaded ??= this.#start());
  }

  async #start(): Promise<Loaded> {
    const mine = this.#starts;
    const stale = (): boolean => this.#starts !== mine;
    let connected: Connected | undefined;
    try {
      // Listeners of the state may call stop(), which must find #loaded set.
      await Promise.resolve();
      if (stale()) throw stopped();
      this.#setState({ kind: 'starting' });
      const [launch, load] = [this.#host.launch(), this.#host.load()];
      this.#startedWith = this.#settings(launch, load);
      connected = await connectEngine(launch);
      if (stale()) throw stopped();
      return await this.#load(connected, load);
    } catch (error) {
      if (stale()) connected?.client.goodbye('The window gave up.');
      else this.#failed(error);
      throw error;
    }
  }

  async #load(connected: Connected, params: LoadParams): Promise<Loaded> {
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
    const model = await client.call('load', params, {
      onPart: ({ loadedBytes, totalBytes }) => {
        if (isCurrent()) this.#setState({ kind: 'loading', fraction: totalBytes > 0 ? loadedBytes / totalBytes : 0 });
      },
    });
    if (!isCurrent()) throw stopped();
    let { backend } = model;
    client.onNotification('backendChanged', (moved) => {
      if (moved.model.modelId !== model.modelId) return;
      show(moved.model);
      // A GPU that was lost and opened again is no news for the user.
      if (moved.model.backend === backend) return this.#host.log(moved.reason);
      ({ backend } = moved.model);
      this.#moved.fire(moved.reason);
    });
    client.onNotification('unloaded', ({ modelId }) => {
      // A request that is on its way has the engine load it again.
      if (isCurrent() && modelId === model.modelId && !this.#standby.busy) this.#sleep('memory');
    });
    client.onNotification('backgroundPrefill', (reading) => this.#reading.fire(reading));
    this.#host.log(`${model.name} runs on ${model.backend} (${model.device}), engine process ${connected.pid}.`);
    show(model);
    this.#fits = true;
    this.#standby.extend();
    return { client, model };
  }

  /** The model or the start is at fault: trying again by itself would not help, unless it is a matter of the moment. */
  #failed(error: unknown): void {
    const message = errorMessage(error);
    this.#host.log(message);
    this.#disconnect(message);
    if (this.#fits && error instanceof EngineFailure && error.kind === 'outOfMemory') {
      this.#setState({ kind: 'sleeping', because: 'memory' });
      return;
    }
    this.#setState({ kind: 'failed', message, remedy: remedyFor(error), retrying: false });
  }

  #died(reason: string): void {
    this.#disconnect(reason);
    const delayMs = this.#policy.crashed(Date.now());
    const next =
      delayMs === undefined
        ? 'It crashed repeatedly; automatic restart is off.'
        : `It restarts in ${delayMs / 1000} s.`;
    const message = `${reason} ${next}`;
    this.#host.log(message);
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
    this.#loaded = undefined;
    this.#starts++;
    connected?.client.goodbye(reason);
  }

  #setState(state: EngineState): void {
    this.#state = state;
    this.#stateChanged.fire(state);
  }
}

const stopped = (): EngineFailure => new EngineFailure({ kind: 'engineGone', message: 'The engine was stopped.' });
const cancelled = (): EngineFailure => new EngineFailure({ kind: 'cancelled', message: 'The call was cancelled.' });
