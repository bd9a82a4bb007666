/** The engine on this machine: one process, in which the models of both purposes are loaded. */
import { Emitter, type Event } from 'vscode-jsonrpc';
import type { Traffic } from '../../engine/traffic.ts';
import type { LoadParams, ModelReference, Notifications } from '../../engine/wire/protocol.ts';
import type { ChatModel, Engine, EngineState, ModelStatus, Purpose } from './engine.ts';
import { ModelConnection, type ModelConnectionHost } from './modelConnection.ts';
import { connectEngine } from './process.ts';
import { reportText } from './report.ts';

export interface LocalEngineHost extends Omit<ModelConnectionHost, 'load'> {
  /** The model of a purpose by the settings of this moment. */
  model(purpose: Purpose): ModelReference;
  load(): Omit<LoadParams, 'model'>;
}

/**
 * Each purpose has a connection of its own, so that a model fails, restarts and is unloaded without the other one. Where
 * both purposes name the same model, the chat uses the completions' connection.
 */
export class LocalEngine implements Engine {
  readonly chatModel: ChatModel & ModelStatus;
  readonly #host: LocalEngineHost;
  readonly #completion: ModelConnection;
  readonly #chat: ModelConnection;
  readonly #chatStateChanged = new Emitter<EngineState>();
  readonly #moved = new Emitter<string>();

  constructor(host: LocalEngineHost) {
    this.#host = host;
    const connection = (purpose: Purpose): ModelConnection =>
      new ModelConnection({ ...host, load: () => ({ ...host.load(), model: host.model(purpose) }) });
    this.#completion = connection('completion');
    this.#chat = connection('chat');
    for (const each of [this.#completion, this.#chat]) {
      each.onDidMove((reason) => this.#moved.fire(reason));
      each.onDidChangeState((state) => {
        if (each === this.#for('chat')) this.#chatStateChanged.fire(state);
      });
    }
    this.chatModel = new PickedModel(() => this.#for('chat'), this.#chatStateChanged.event);
  }

  get completionModel(): ModelConnection {
    return this.#completion;
  }
  get running(): boolean {
    return this.#connections.some(isWanted);
  }
  get onDidMove(): Event<string> {
    return this.#moved.event;
  }
  get onDidRead(): Event<Notifications['backgroundPrefill']> {
    return this.#completion.onDidRead;
  }
  /** Id of the process, where this window is connected to one. */
  get pid(): number | undefined {
    return this.#connected?.pid;
  }

  warmUp(purpose: Purpose): void {
    this.#for(purpose).warmUp();
  }

  setStandby(standby: boolean): void {
    this.#completion.setStandby(standby);
  }

  settingsChanged(): void {
    for (const connection of this.#connections) connection.settingsChanged();
    this.#chatStateChanged.fire(this.chatModel.state);
  }

  /** Says goodbye; without other windows the process ends. */
  stop(): void {
    for (const connection of this.#connections) connection.stop();
  }

  /** Ends the process, hung or not, for all windows. */
  restart(): void {
    const pid = this.pid;
    const wanted = this.#connections.filter(isWanted);
    this.stop();
    if (pid !== undefined) kill(pid);
    for (const connection of wanted.length > 0 ? wanted : [this.#completion]) connection.warmUp();
  }

  closed(sessionId: string): void {
    for (const connection of this.#connections) connection.closed(sessionId);
  }

  async report(): Promise<string> {
    const { allowSoftwareGpu } = this.#host.load();
    const launch = this.#host.launch();
    const connected = this.#connected ?? (await connectEngine(launch));
    try {
      const report = await connected.client.call('doctor', allowSoftwareGpu === undefined ? {} : { allowSoftwareGpu });
      return reportText(report, {
        version: launch.version,
        notes: connected.notes,
        completionModel: modelId(this.#completion),
        chatModel: modelId(this.chatModel),
      });
    } finally {
      if (connected !== this.#connected) connected.client.goodbye('The report is done.');
    }
  }

  async traffic(): Promise<readonly Traffic[] | undefined> {
    const answer = await this.#connected?.client.call('traffic', {});
    return answer?.traffic;
  }

  dispose(): void {
    for (const connection of this.#connections) connection.dispose();
    this.#chatStateChanged.dispose();
    this.#moved.dispose();
  }

  get #connections(): readonly ModelConnection[] {
    return [this.#completion, this.#chat];
  }
  get #connected(): ModelConnection['connected'] {
    return this.#completion.connected ?? this.#chat.connected;
  }

  #for(purpose: Purpose): ModelConnection {
    const [own, other] = (['chat', 'completion'] as const).map((each) => JSON.stringify(this.#host.model(each)));
    return purpose === 'completion' || own === other ? this.#completion : this.#chat;
  }
}

/** The chat's model, by the settings at the time of each call. */
class PickedModel implements ChatModel, ModelStatus {
  readonly onDidChangeState: Event<EngineState>;
  readonly #pick: () => ModelConnection;

  constructor(pick: () => ModelConnection, onDidChangeState: Event<EngineState>) {
    this.#pick = pick;
    this.onDidChangeState = onDidChangeState;
  }

  get state(): EngineState {
    return this.#pick().state;
  }
  chat(...call: Parameters<ChatModel['chat']>): ReturnType<ChatModel['chat']> {
    return this.#pick().chat(...call);
  }
  fit(...call: Parameters<ChatModel['fit']>): ReturnType<ChatModel['fit']> {
    return this.#pick().fit(...call);
  }
  countTokens(...call: Parameters<ChatModel['countTokens']>): ReturnType<ChatModel['countTokens']> {
    return this.#pick().countTokens(...call);
  }
  likelihoods(...call: Parameters<ChatModel['likelihoods']>): ReturnType<ChatModel['likelihoods']> {
    return this.#pick().likelihoods(...call);
  }
  imageCosts(...call: Parameters<ChatModel['imageCosts']>): ReturnType<ChatModel['imageCosts']> {
    return this.#pick().imageCosts(...call);
  }
}

/** Whether the model is loaded, or would be but for a failure. */
function isWanted({ state }: ModelStatus): boolean {
  return state.kind !== 'off' && state.kind !== 'sleeping';
}

function modelId({ state }: ModelStatus): string | undefined {
  return state.kind === 'ready' ? state.model.modelId : undefined;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already, which is what was wanted.
  }
}
