/** What the process needs from the engine core. engineCore.ts is the real one; tests give fakes. */
import type { DocumentSession } from '../document/documentSession.ts';
import type { Generate } from '../inference/generation.ts';
import type { LoadOptions } from '../load/loadModel.ts';
import type {
  BackendReport,
  ChatParams,
  ChatPart,
  ChatResult,
  CompleteParams,
  CompleteResult,
  FitParams,
  FitResult,
  ModelInfo,
  ModelReference,
} from '../wire/protocol.ts';
import type { Prompt } from '../prompt/prompt.ts';
import type { Priority, Scheduler } from '../inference/scheduler.ts';

export interface CoreLoadOptions extends Pick<
  LoadOptions,
  'backend' | 'allowSoftwareGpu' | 'snapshots' | 'signal' | 'onProgress'
> {
  /** One for all models of the process, so that one step at a time runs. */
  readonly scheduler: Scheduler;
}

/** One sequence of a model. What its cache has in common with that of another one is computed once. */
export interface ModelSession {
  readonly generate: Generate;
  /** Whose keys and values are cached; a view that the next request may spoil. */
  readonly tokens: ArrayLike<number>;
  /** Brings the cache to hold `prompt`, in steps of the session's priority. Rejects as `generate` does. */
  prefill(prompt: Prompt, options: { signal?: AbortSignal }): Promise<{ computed: number }>;
  /** Keeps the cache on disk. Resolves false where none are kept; rejects with Cancelled or the system's error. */
  saveSnapshot(options: { signal?: AbortSignal }): Promise<boolean>;
  /** Resolves when the memory of its cache is free for other sessions. */
  dispose(): Promise<void>;
}

export interface CoreModel {
  readonly info: ModelInfo;
  createSession(priority?: Priority): ModelSession;
  bytesHeld(): number;
  /** Tokens whose keys and values the memory still holds; Infinity where only an allocation can tell. */
  tokensFree(): number;
  dispose(): Promise<void>;
}

/** What is kept of a document. */
export type CoreSession = DocumentSession;

export interface EngineCore {
  /** Rejects with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing is held. */
  loadModel(model: ModelReference, options: CoreLoadOptions): Promise<CoreModel>;
  complete(
    params: CompleteParams,
    model: CoreModel,
    session: CoreSession,
    signal: AbortSignal,
  ): Promise<CompleteResult>;
  /** Tells the answer in parts. */
  chat(
    params: ChatParams,
    model: CoreModel,
    session: ModelSession,
    signal: AbortSignal,
    onPart: (part: ChatPart) => void,
  ): Promise<ChatResult>;
  fit(params: FitParams, model: CoreModel, signal: AbortSignal): Promise<FitResult>;
  countTokens(texts: readonly string[], model: CoreModel, signal: AbortSignal): Promise<number[]>;
  backendReports(options: { allowSoftwareGpu?: boolean }): Promise<BackendReport[]>;
}
