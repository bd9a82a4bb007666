import { type KvDType, type OperationTime, type Ops, PAGE_TOKENS } from '../../kernels/ops.ts';
import { PageAllocator } from '../inference/kvCache.ts';
import type { KvDiskCache } from '../inference/kvDiskCache.ts';
import { PRIORITY, type Priority, Scheduler } from '../inference/scheduler.ts';
import { Session, type SessionContext } from '../inference/session.ts';
import { type Decoder, type DecoderConfig, type WeightSpec, takesImages } from '../models/decoder.ts';
import { longestAnswer } from '../prompt/budget.ts';
import type { GenerationConfig } from '../sources/generationConfig.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { ImageEncoder, type OpenTower } from '../vision/imageEncoder.ts';
import type { ModelInfo } from '../wire/protocol.ts';
import type { MemoryPlan } from './memoryPlan.ts';
import { type ModelSpeed, firstSteps, measureSpeed } from './modelSpeed.ts';
import {
  CHAT_CHUNK_TOKENS,
  CHUNK_TOKENS,
  type GpuTuning,
  type IdleTuneOptions,
  dispatchesOf,
  gpuOf,
  tuneGpuWhenIdle,
} from './openBackend.ts';
import { matrixFormats, parametersOf, tokensPerCrop, weightBytesPerToken } from './weightFormats.ts';

/** A model on a backend. */
export interface LoadedModel {
  readonly info: ModelInfo;
  readonly config: DecoderConfig;
  /** null for a model without tokenizer files, which takes and gives ids only. */
  readonly tokenizer: Tokenizer | null;
  /** Tokens that end a text, from generation_config.json and from the tokenizer's own files. */
  readonly stopIds: ReadonlySet<number>;
  /** Texts that end an answer, from generation_config.json. */
  readonly stopStrings: readonly string[];
  /** The formats of the matrices, such as 'q4k, q6m'. */
  readonly weights: string;
  /** Number of weights, those of an image encoder left out. */
  readonly parameters: number;
  /** Bytes of weights that decoding a token reads: all but the embedding, of which it reads a row, unless it is tied. */
  readonly bytesPerToken: number;
  /** Format of the KV cache. */
  readonly kv: KvDType;
  /** Absent in models that take no pictures. */
  readonly images: ImageEncoder | undefined;
  createSession(priority?: Priority): Session;
  /** Bytes that the backend holds now: weights, KV cache and the scratch memory of a running step. */
  bytesHeld(): number;
  /** Size of the KV cache in bytes, including its free pages. */
  kvBytes(): number;
  /**
   * Gives the memory of a KV cache that no session uses to other models; returns whether there was any. Absent where the
   * backend cannot.
   */
  freeKv?(): boolean;
  /** Number of tokens whose keys and values still fit into memory; Infinity where only an allocation can tell. */
  tokensFree(): number;
  /**
   * Starts to time the operations that follow; undefined where the backend cannot. The returned function gives the
   * times so far.
   */
  startProfile(): (() => readonly OperationTime[]) | undefined;
  /**
   * Chooses the GPU's kernels for this model where that was not done before, between the steps of its sessions; undefined
   * where the backend is no GPU. Rejects as steps do, and those go on all the same unless the device is lost.
   */
  tuneWhenIdle(options: IdleTuneOptions): Promise<GpuTuning | undefined>;
  /** Measures prefill and decode between the steps of other sessions. Rejects as those do. */
  measureSpeed(signal: AbortSignal): Promise<ModelSpeed>;
  /**
   * What its speed is kept by: its GPU and its files. undefined on the CPU, on an adapter that computes there unless
   * `software` is true, and for files that cannot be told apart.
   */
  speedKey(software?: boolean): SpeedKey | undefined;
  /** Dispatches of all steps so far; undefined where the backend is no GPU. */
  dispatches(): number | undefined;
  dispose(): Promise<void>;
}

export interface SpeedKey {
  /** Name and driver of the GPU. */
  readonly adapter: string;
  /** As identityOf() makes it. */
  readonly model: string;
}

export interface InferenceOptions {
  /** The longest context in tokens. By default the model's, or what fits into memory. */
  readonly contextLength?: number | undefined;
  /** Format of the KV cache. By default f16, or q8 where a whole context in f16 would take most of the memory. */
  readonly kv?: KvDType | undefined;
  /** Number of prompt tokens per step. */
  readonly chunkTokens?: number | undefined;
  /** Shared by all models of a process, so that one step runs at a time. */
  readonly scheduler?: Scheduler | undefined;
  /** Keeps the KV cache on disk. `version` is the product's, since a later one may lay out the pages differently. */
  readonly diskCache?: { readonly cache: KvDiskCache; readonly version: string } | undefined;
}

/** Everything that a source says about its model, except for the weights. */
export interface ModelDescription extends GenerationConfig {
  readonly name: string;
  readonly tokenizer: Tokenizer | null;
  /** See ModelSource. */
  readonly fingerprint: string | null;
  /** The most crops of a picture. */
  readonly mostCrops: number;
}

/** The backend with the model's weights on it. */
export interface BackendWeights {
  readonly ops: Ops;
  readonly notes: string[];
  readonly decoder: Decoder;
  /** The loaded tensors with their formats. */
  readonly specs: readonly WeightSpec[];
  readonly memory: MemoryPlan;
  /** Absent where the model has no image encoder. */
  readonly openTower: OpenTower | undefined;
}

/** Assembles a loaded model, which owns the operations and the tokenizer and disposes them. */
export function assembleModel(
  description: ModelDescription,
  backend: BackendWeights,
  options: InferenceOptions,
): LoadedModel {
  const { name, tokenizer, stopIds, stopStrings, sampling } = description;
  const { ops, notes, decoder, specs } = backend;
  const { config } = decoder;
  const { layers, kvHeads, headDim } = config;
  const { kv, contextLength } = backend.memory;
  const allocator = new PageAllocator(ops.createKvPool({ layers, kvHeads, headDim, dtype: kv }));
  const context = sessionContext(description, backend, options, allocator);
  const { pool } = allocator;
  const { mostCrops } = description;
  const createSession = (priority?: Priority): Session => new Session(context, priority);
  const images =
    backend.openTower && takesImages(decoder)
      ? new ImageEncoder(backend.openTower, decoder, context.scheduler, mostCrops, tokensPerCrop(specs))
      : undefined;
  const info: ModelInfo = {
    modelId: name,
    name,
    contextLength,
    backend: ops.backend,
    chat: tokenizer?.hasChatTemplate ?? false,
    longestAnswer: longestAnswer(contextLength),
    images: images ? { mostCrops } : null,
    device: ops.deviceName,
    notes,
    bytes: ops.bytesHeld,
    sampling,
  };
  return {
    info,
    config,
    tokenizer,
    stopIds: tokenizer?.stopIds ?? new Set(stopIds),
    stopStrings,
    weights: matrixFormats(specs),
    parameters: parametersOf(specs.filter(({ role }) => role !== 'encoder')),
    bytesPerToken: weightBytesPerToken(config, specs),
    kv,
    images,
    createSession,
    bytesHeld: () => ops.bytesHeld + (images?.bytesHeld ?? 0),
    kvBytes: () => pool.capacity * pool.pageBytes,
    ...(pool.clear ? { freeKv: () => allocator.clear() } : {}),
    tokensFree: () => {
      const more = Math.max(0, Math.floor(ops.bytesFree / pool.pageBytes));
      return PAGE_TOKENS * (Math.min(pool.capacity + more, ops.mostKvPages(pool.layout)) - allocator.pagesInUse);
    },
    ...measured(ops, context.scheduler, { createSession, config, info }),
    speedKey: (software) => speedKey(gpuOf(ops, { software }), identityOf(description, specs)),
    dispose: async () => {
      tokenizer?.dispose();
      await Promise.all([ops.dispose(), images?.dispose()]);
    },
  };
}

function measured(
  ops: Ops,
  scheduler: Scheduler,
  model: Pick<LoadedModel, 'createSession' | 'config' | 'info'>,
): Pick<LoadedModel, 'startProfile' | 'tuneWhenIdle' | 'measureSpeed' | 'dispatches'> {
  return {
    tuneWhenIdle: async (options) => {
      if (gpuOf(ops, options) === undefined) return undefined;
      await firstSteps(model, options.signal);
      return tuneGpuWhenIdle(ops, options, (work) => scheduler.run(PRIORITY.background, work, options.signal));
    },
    measureSpeed: (signal) => measureSpeed(model, signal),
    startProfile: () => {
      ops.startProfile?.();
      return ops.profile && (() => ops.profile!());
    },
    dispatches: () => dispatchesOf(ops),
  };
}

function speedKey(adapter: string | undefined, model: string | null): SpeedKey | undefined {
  return adapter === undefined || model === null ? undefined : { adapter, model };
}

/** What a model's files are and in which formats they are loaded; null where the files cannot be told apart. */
export function identityOf(
  { fingerprint }: Pick<ModelDescription, 'fingerprint'>,
  specs: readonly WeightSpec[],
): string | null {
  return fingerprint === null ? null : JSON.stringify([fingerprint, specs.map(({ format }) => format).join()]);
}

function sessionContext(
  description: ModelDescription,
  { ops, decoder, specs, memory }: BackendWeights,
  { chunkTokens = CHUNK_TOKENS[ops.backend], scheduler = new Scheduler(), diskCache }: InferenceOptions,
  allocator: PageAllocator,
): SessionContext {
  const identity = identityOf(description, specs);
  return {
    ops,
    decoder,
    allocator,
    scheduler,
    contextLength: memory.contextLength,
    chunkTokens,
    chatChunkTokens: Math.min(chunkTokens, CHAT_CHUNK_TOKENS[ops.backend]),
    diskCache:
      diskCache && identity !== null
        ? { cache: diskCache.cache, identity: JSON.stringify([diskCache.version, identity]) }
        : undefined,
  };
}
