/** The engine of a window: for each purpose the model on this machine, or the one on the server that the user has chosen. */
import { Emitter, type Event } from 'vscode-jsonrpc';
import { EngineFailure } from '../../engine/wire/failure.ts';
import type { ChatModel, CompletionModel, Engine, EngineState, ModelStatus, Purpose } from '../engine/engine.ts';
import type { RemoteModel } from './connection.ts';
import { type RemoteServer, serverName } from './server.ts';
import type { ServerUse } from './serverUse.ts';

export interface MixedEngineHost {
  readonly local: Engine;
  readonly use: Pick<ServerUse, 'for' | 'problem' | 'key' | 'version' | 'onDidChange'>;
  chat(server: RemoteServer): ChatModel & RemoteModel;
  completion(server: RemoteServer): CompletionModel & RemoteModel;
}

/** Follows the user's choice at once: what is under way on a server that is no longer wanted ends. */
export class MixedEngine implements Engine {
  readonly chatModel: ChatModel & ModelStatus;
  readonly completionModel: CompletionModel & ModelStatus;
  readonly #local: Engine;
  readonly #chat: Place<ChatModel>;
  readonly #completion: Place<CompletionModel>;
  readonly #listener: { dispose(): void };
  #standby = true;

  constructor({ local, use, chat, completion }: MixedEngineHost) {
    this.#local = local;
    this.#chat = new Place(local.chatModel, {
      use,
      purpose: 'chat',
      create: chat,
    });
    this.#completion = new Place(local.completionModel, {
      use,
      purpose: 'completion',
      create: completion,
    });
    this.chatModel = new PlacedChat(this.#chat);
    this.completionModel = new PlacedCompletion(this.#completion);
    this.#listener = use.onDidChange(() => {
      this.#chat.update();
      this.#completion.update();
      this.setStandby(this.#standby);
    });
  }

  get running(): boolean {
    return this.#local.running;
  }
  get onDidMove(): Engine['onDidMove'] {
    return this.#local.onDidMove;
  }
  get onDidRead(): Engine['onDidRead'] {
    return this.#local.onDidRead;
  }

  warmUp(purpose: Purpose): void {
    const place = purpose === 'chat' ? this.#chat : this.#completion;
    if (place.isRemote) place.warmUp();
    else this.#local.warmUp(purpose);
  }

  /** The completion model of this machine is not kept ready for a server. */
  setStandby(standby: boolean): void {
    this.#standby = standby;
    this.#local.setStandby(standby && !this.#completion.isRemote);
  }

  settingsChanged(): void {
    this.#local.settingsChanged();
  }

  stop(): void {
    this.#local.stop();
  }

  /** Connects to the server anew as well. An engine that nothing needs is not started. */
  restart(): void {
    this.#chat.close();
    this.#completion.close();
    if (this.#local.running || !this.#completion.isRemote) this.#local.restart();
  }

  closed(sessionId: string): void {
    this.#local.closed(sessionId);
  }

  report(): Promise<string> {
    return this.#local.report();
  }

  traffic(): ReturnType<Engine['traffic']> {
    return this.#local.traffic();
  }

  /** Ends what it has opened; the local engine is its owner's. */
  dispose(): void {
    this.#listener.dispose();
    this.#chat.dispose();
    this.#completion.dispose();
  }
}

interface PlaceHost<Model> {
  readonly use: MixedEngineHost['use'];
  readonly purpose: Purpose;
  create(server: RemoteServer): Model & RemoteModel;
}

/** Where one purpose is served now. */
class Place<Model> implements ModelStatus {
  readonly #local: Model & ModelStatus;
  readonly #host: PlaceHost<Model>;
  readonly #changed = new Emitter<EngineState>();
  readonly #listener: { dispose(): void };
  /** What the open model was made for, as text to compare. */
  #wanted: string;
  #opening: Promise<Model> | undefined;
  #opened: (Model & RemoteModel) | undefined;

  constructor(local: Model & ModelStatus, host: PlaceHost<Model>) {
    this.#local = local;
    this.#host = host;
    this.#wanted = this.#wish();
    this.#listener = local.onDidChangeState((state) => {
      if (!this.isRemote) this.#changed.fire(state);
    });
  }

  get isRemote(): boolean {
    return this.#server !== undefined;
  }
  get state(): EngineState {
    if (!this.#server) return this.#local.state;
    const message = this.#host.use.problem(this.#server);
    if (message !== '') return { kind: 'failed', message, remedy: 'server', retrying: false };
    return this.#opened?.state ?? { kind: 'off', server: serverName(this.#server) };
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#changed.event;
  }
  /** The model, unless it has yet to be made. */
  get ready(): Model | undefined {
    return this.isRemote ? this.#opened : this.#local;
  }

  /** Rejects with a sentence where nothing may go to the server: the user wants no other place instead. */
  async model(): Promise<Model> {
    const server = this.#server;
    if (!server) return this.#local;
    const message = this.#host.use.problem(server);
    if (message !== '') throw new EngineFailure({ kind: 'badRequest', message });
    return (this.#opening ??= this.#open(server, this.#wanted));
  }

  warmUp(): void {
    void this.model().then(
      () => this.#opened?.warmUp(),
      () => {},
    );
  }

  /** Takes up what the user wants now. */
  update(): void {
    if (this.#wish() !== this.#wanted) this.close();
  }

  /** Ends what is open; the next call opens it again. */
  close(): void {
    this.#wanted = this.#wish();
    this.#opening = undefined;
    this.#opened?.dispose();
    this.#opened = undefined;
    this.#changed.fire(this.state);
  }

  dispose(): void {
    this.#listener.dispose();
    this.#opened?.dispose();
    this.#changed.dispose();
  }

  get #server(): RemoteServer | undefined {
    return this.#host.use.for(this.#host.purpose);
  }

  #wish(): string {
    const { use } = this.#host;
    return JSON.stringify(this.#server ? [this.#server, use.problem(this.#server), use.version] : []);
  }

  async #open(server: RemoteServer, wanted: string): Promise<Model> {
    const key = await this.#host.use.key(server.url);
    // Meanwhile the user has changed their mind.
    if (wanted !== this.#wanted) return this.model();
    const model = this.#host.create(key === undefined ? server : { ...server, key });
    model.onDidChangeState((state) => {
      if (model === this.#opened) this.#changed.fire(state);
    });
    this.#opened = model;
    return model;
  }
}

class PlacedChat implements ChatModel, ModelStatus {
  readonly #place: Place<ChatModel>;

  constructor(place: Place<ChatModel>) {
    this.#place = place;
  }

  get state(): EngineState {
    return this.#place.state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#place.onDidChangeState;
  }
  async chat(...call: Parameters<ChatModel['chat']>): ReturnType<ChatModel['chat']> {
    return (await this.#place.model()).chat(...call);
  }
  async fit(...call: Parameters<ChatModel['fit']>): ReturnType<ChatModel['fit']> {
    return (await this.#place.model()).fit(...call);
  }
  async countTokens(...call: Parameters<ChatModel['countTokens']>): ReturnType<ChatModel['countTokens']> {
    return (await this.#place.model()).countTokens(...call);
  }
  async likelihoods(...call: Parameters<ChatModel['likelihoods']>): ReturnType<ChatModel['likelihoods']> {
    return (await this.#place.model()).likelihoods(...call);
  }
  async imageCosts(...call: Parameters<ChatModel['imageCosts']>): ReturnType<ChatModel['imageCosts']> {
    return (await this.#place.model()).imageCosts(...call);
  }
}

class PlacedCompletion implements CompletionModel, ModelStatus {
  readonly #place: Place<CompletionModel>;

  constructor(place: Place<CompletionModel>) {
    this.#place = place;
  }

  get state(): EngineState {
    return this.#place.state;
  }
  get onDidChangeState(): Event<EngineState> {
    return this.#place.onDidChangeState;
  }
  async complete(...call: Parameters<CompletionModel['complete']>): ReturnType<CompletionModel['complete']> {
    return (await this.#place.model()).complete(...call);
  }
  async prefill(...call: Parameters<CompletionModel['prefill']>): ReturnType<CompletionModel['prefill']> {
    return (await this.#place.ready?.prefill(...call)) ?? 0;
  }
  typing(): void {
    this.#place.ready?.typing();
  }
}
