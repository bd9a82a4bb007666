/** The engine as the rest of the extension sees it. Nobody outside of this folder knows where or how it runs. */
import type { Event } from 'vscode-jsonrpc';
import type { Traffic } from '../../engine/traffic.ts';
import type {
  ChatParams,
  ChatPart,
  ChatResult,
  ImageCost,
  CompleteParams,
  CompleteResult,
  FitParams,
  FitResult,
  LikelihoodsParams,
  ModelInfo,
  Notifications,
} from '../../engine/wire/protocol.ts';

export type CompleteRequest = Omit<CompleteParams, 'modelId'>;
export type ChatRequest = Omit<ChatParams, 'modelId'>;
export type FitRequest = Omit<FitParams, 'modelId'>;
export type LikelihoodsRequest = Omit<LikelihoodsParams, 'modelId'>;

/** What a model is for. Each purpose has a model of its own; both may name the same one, which is then loaded once. */
export type Purpose = 'completion' | 'chat';

/** The user's remedy for a failure; the status menu offers it first. */
export type Remedy = 'restart' | 'chooseModel' | 'settings' | 'server';

/** A model that answers now: `server` where it does so on another machine, which `device` names. */
export type ReadyModel = Omit<ModelInfo, 'backend'> & { readonly backend: ModelInfo['backend'] | 'server' };

export type EngineState =
  /** Nothing runs; the next call starts the engine, or connects to the server. */
  | { kind: 'off'; server?: string }
  /** The model was unloaded, since it was idle or another one needed its memory; the next call loads it again. */
  | { kind: 'sleeping'; because: 'idle' | 'memory' }
  /** `server`: the one that is being connected to, by its name. */
  | { kind: 'starting'; server?: string }
  | { kind: 'loading'; fraction: number }
  | { kind: 'ready'; model: ReadyModel; notes: readonly string[] }
  /** `retrying`: the engine starts again by itself. */
  | { kind: 'failed'; message: string; remedy: Remedy; retrying: boolean };

/**
 * The model that answers questions. The engine starts with the first call and stays at least until the call has ended,
 * also while it is not on standby. All calls reject with EngineFailure; at once where the engine has failed and waits
 * for the user or for its next start.
 */
export interface ChatModel {
  /** Streams what remains of the sources, then the answer, to `onPart`. Parts that came before a rejection remain valid. */
  chat(request: ChatRequest, signal: AbortSignal, onPart: (part: ChatPart) => void): Promise<ChatResult>;
  /** Tells how much of the sources would fit beside a conversation. */
  fit(request: FitRequest, signal: AbortSignal): Promise<FitResult>;
  /** Number of tokens in each text; an estimate where the engine does not know the model's tokenizer. */
  countTokens(texts: string[], signal: AbortSignal): Promise<number[]>;
  /**
   * The mean log-probability per token of a text behind each of several beginnings, as many as there is time for: none where
   * the model is not loaded on this machine.
   */
  likelihoods(request: LikelihoodsRequest, signal: AbortSignal): Promise<number[]>;
  /** What a picture of so many pixels would take; empty where the model sees none. */
  imageCosts(picture: { width: number; height: number }, signal: AbortSignal): Promise<ImageCost[]>;
}

/** The model that completes code. Rejects as ChatModel does. */
export interface CompletionModel {
  complete(request: CompleteRequest, signal: AbortSignal): Promise<CompleteResult>;
  /**
   * Has a model of this machine that is loaded read what the completion of `request` would begin with, while nobody waits.
   * Resolves with the number of tokens that it has read.
   */
  prefill(request: CompleteRequest, signal: AbortSignal): Promise<number>;
  /** Tells a model that is loaded that it will be asked in a moment, so that less urgent work makes room. */
  typing(): void;
}

/** How it is with a model. */
export interface ModelStatus {
  readonly state: EngineState;
  readonly onDidChangeState: Event<EngineState>;
}

export interface Engine {
  readonly completionModel: CompletionModel & ModelStatus;
  readonly chatModel: ChatModel & ModelStatus;
  /** Whether the engine runs, starts or has failed, for whichever model. */
  readonly running: boolean;
  /** A model moved to another backend; the sentence says why. */
  readonly onDidMove: Event<string>;
  /** The engine begins or ends prefilling the rest of a document in the background. */
  readonly onDidRead: Event<Notifications['backgroundPrefill']>;

  /** Gets ready for the first call of this purpose, unless its model has failed for good. Failures show in the state. */
  warmUp(purpose: Purpose): void;
  /**
   * On standby, which is how an engine begins, the completion model stays ready between calls. Otherwise it is unloaded
   * at once where no call runs on it. Any model that was idle for a while is unloaded until its next call. The engine ends
   * with its last model.
   */
  setStandby(standby: boolean): void;
  /** Unloads the models whose settings differ from those that they were loaded with; the others go on. */
  settingsChanged(): void;
  /** Ends the engine. The next call starts it with the settings of that moment. */
  stop(): void;
  /** Starts the engine anew, also where it hangs or has failed. */
  restart(): void;
  /** Frees what the engine keeps for a document or conversation. */
  closed(sessionId: string): void;
  /** A description of the engine and its models for the user, as Markdown; available also where loading a model failed. */
  report(): Promise<string>;
  /** What the engine has sent and received through sockets; undefined where it does not run. */
  traffic(): Promise<readonly Traffic[] | undefined>;
}
