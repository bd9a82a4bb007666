/** What the process needs from the engine core. load.ts and completion/ give it (see main.ts); tests give fakes. */
import type { Generate } from './generation.ts';
import type { LoadOptions } from './load.ts';
import type { BackendReport, CompleteParams, CompleteResult, ModelInfo } from './protocol.ts';
import type { Scheduler } from './scheduler.ts';

export interface CoreLoadOptions extends Pick<LoadOptions, 'backend' | 'allowSoftwareGpu' | 'signal' | 'onProgress'> {
  /** One for all models of the process, so that one step at a time runs. */
  readonly scheduler: Scheduler;
}

export interface CoreSession {
  readonly generate: Generate;
  /** Resolves when the memory of its cache is free for other sessions. */
  dispose(): Promise<void>;
}

export interface CoreModel {
  readonly info: ModelInfo;
  createSession(): CoreSession;
  bytesHeld(): number;
  dispose(): Promise<void>;
}

export interface EngineCore {
  /** Rejects with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing is held. */
  loadModel(modelDir: string, options: CoreLoadOptions): Promise<CoreModel>;
  complete(params: CompleteParams, model: CoreModel, generate: Generate, signal: AbortSignal): Promise<CompleteResult>;
  backendReports(options: { allowSoftwareGpu?: boolean }): Promise<BackendReport[]>;
}
