import { basename } from 'node:path';
import * as z from 'zod';
import { GpuUnavailable, createGpuOps, gpuReport } from '../../kernels/gpu/gpuOps.ts';
import { type KvDType, type OperationTime, type Ops, PAGE_TOKENS, type WeightDType } from '../../kernels/ops.ts';
import { ReferenceOps } from '../../kernels/reference/referenceOps.ts';
import { createWasmOps, wasmReport } from '../../kernels/wasm/wasmOps.ts';
import { BadModel, BadRequest } from '../errors.ts';
import { PageAllocator } from '../inference/kvCache.ts';
import { chooseKvDtype } from '../inference/kvDtype.ts';
import { type Blueprint, readBlueprint } from '../models/architectures.ts';
import type { Decoder, DecoderConfig } from '../models/decoder.ts';
import type { Backend, BackendChoice, BackendReport, LoadProgress, ModelInfo } from '../wire/protocol.ts';
import { type Priority, Scheduler } from '../inference/scheduler.ts';
import { type ModelSnapshots, Session } from '../inference/session.ts';
import type { SnapshotStore } from '../inference/kvDiskCache.ts';
import { type Tokenizer, readTokenizer } from '../tokenizer/tokenizer.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { loadWeights } from './loadWeights.ts';
import { ModelFolder } from '../sources/hfFolder.ts';
import { randomCheckpoint } from '../sources/random.ts';

export interface LoadOptions {
  readonly backend: BackendChoice;
  /** Format of the matrices; the embedding and the head take at least 8 bits. Chosen by size where absent. */
  readonly weights?: WeightDType | undefined;
  /** Where absent f16, or q8 where a whole context in f16 would take most of the memory. */
  readonly kv?: KvDType | undefined;
  readonly chunkTokens?: number | undefined;
  readonly threads?: number | undefined;
  readonly allowSoftwareGpu?: boolean | undefined;
  /** Keeps read prompts on disk; `version` is the product's, whose pages a later one may lay out differently. */
  readonly snapshots?: { readonly store: SnapshotStore; readonly version: string } | undefined;
  /** Shared by all models of a process, so that one step at a time runs. */
  readonly scheduler?: Scheduler | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** A model on a backend. */
export interface LoadedModel {
  readonly info: ModelInfo;
  readonly config: DecoderConfig;
  /** null for a folder without tokenizer.json: ids only. */
  readonly tokenizer: Tokenizer | null;
  /** End-of-text ids by generation_config.json and the tokenizer's own files. */
  readonly stopIds: ReadonlySet<number>;
  /** Texts that end an answer, by generation_config.json; for chat templates that are not made of special tokens. */
  readonly stopStrings: readonly string[];
  readonly weights: WeightDType;
  readonly kv: KvDType;
  createSession(priority?: Priority): Session;
  /** Bytes on the backend now: weights, KV cache and the scratch memory of a step under way. */
  bytesHeld(): number;
  /** Of these the KV cache's, used or free. */
  kvBytes(): number;
  /** Tokens whose keys and values the memory still holds; Infinity where only an allocation can tell. */
  tokensFree(): number;
  /** Times the operations of what follows; undefined where the backend cannot. The result says what they took so far. */
  startProfile(): (() => readonly OperationTime[]) | undefined;
  dispose(): Promise<void>;
}

/**
 * Prompt tokens per step: what is cancelled or outranked waits for one step, which takes a CPU seconds with a large
 * model. (64 cost 3 % of the speed of 256 there.)
 */
const CHUNK_TOKENS: Record<Backend, number> = { webgpu: 256, wasm: 64, reference: 64 };
/** The same for chats while the user types: a completion then waits for a step as short as a few tokens are. */
const CHAT_CHUNK_TOKENS: Record<Backend, number> = { webgpu: 64, wasm: 16, reference: 16 };
/** Below this many parameters 4 bits cost more quality than they save memory. */
const SMALL_MODEL_PARAMETERS = 200e6;

/**
 * Folder -> model, the one place that picks a backend: WebGPU where an adapter of a real GPU exists, else WASM.
 * Rejects with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing is held.
 */
export async function loadModel(path: string, options: LoadOptions): Promise<LoadedModel> {
  const folder = await ModelFolder.open(path);
  const blueprint = await readConfig(folder);
  const { stopIds: generationStopIds, stopStrings } = readStops(await folder.json('generation_config.json'));
  const { architecture, config } = blueprint;
  const tokenizer = await readTokenizer(folder, { architecture, vocabSize: config.vocabSize, generationStopIds });
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await folder.checkpoint();
    const fingerprint = await folder.fingerprint();
    const texts = { name: basename(path), tokenizer, generationStopIds, stopStrings, fingerprint };
    return await build(texts, blueprint, checkpoint, options);
  } catch (error) {
    tokenizer?.dispose();
    throw error;
  } finally {
    await checkpoint?.close();
  }
}

/** A model of this configuration with random weights, for measuring speed. */
export async function loadRandomModel(name: string, configJson: unknown, options: LoadOptions): Promise<LoadedModel> {
  const blueprint = readBlueprint(configJson);
  const texts = { name, tokenizer: null, generationStopIds: [], stopStrings: [], fingerprint: null };
  return build(texts, blueprint, randomCheckpoint(blueprint.tensors), options);
}

/** What runs here and why the rest does not, best backend first. */
export async function backendReports(options: { allowSoftwareGpu?: boolean | undefined }): Promise<BackendReport[]> {
  const gpu = await gpuReport({ allowSoftware: options.allowSoftwareGpu === true });
  return [
    { backend: 'webgpu', ...gpu },
    { backend: 'wasm', ...(await wasmReport()) },
  ];
}

async function readConfig(folder: ModelFolder): Promise<Blueprint> {
  const json = await folder.json('config.json');
  if (json === undefined) throw new BadModel(`${folder.path} holds no config.json, so it is not a model folder.`);
  return readBlueprint(json);
}

const texts = z.custom<string | string[]>(
  (value) => [value].flat().every((text) => typeof text === 'string' && text !== ''),
  'neither a text nor a list of texts',
);
const generationConfig = z.object({
  eos_token_id: z.union([z.int(), z.array(z.int())], 'neither a number nor a list of numbers').nullish(),
  stop_strings: texts.nullish(),
});

/** What ends a text by generation_config.json. */
function readStops(json: unknown): { stopIds: number[]; stopStrings: string[] } {
  const parsed = generationConfig.safeParse(json ?? {});
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new BadModel(`generation_config.json: ${path.join('.') || 'the file'} is ${message}.`);
  }
  const { eos_token_id: ids, stop_strings: strings } = parsed.data;
  return { stopIds: [ids ?? []].flat(), stopStrings: [strings ?? []].flat() };
}

/** What a model folder says beside its weights. */
interface Texts {
  readonly name: string;
  readonly tokenizer: Tokenizer | null;
  readonly generationStopIds: readonly number[];
  readonly stopStrings: readonly string[];
  /** Of its configuration and weights; null where no two loads are alike. */
  readonly fingerprint: string | null;
}

async function build(
  texts: Texts,
  { tensors, build: buildDecoder }: Blueprint,
  checkpoint: Checkpoint,
  options: LoadOptions,
): Promise<LoadedModel> {
  const { ops, notes } = await openBackend(options);
  try {
    const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const weights = options.weights ?? (parameters < SMALL_MODEL_PARAMETERS ? 'f16' : 'q4');
    const decoder = buildDecoder(await loadWeights(ops, checkpoint, tensors, weights, options), ops);
    return new BackendModel({ ...texts, notes, ops, decoder, weights }, options);
  } catch (error) {
    await ops.dispose();
    throw error;
  }
}

interface Parts extends Texts {
  readonly notes: string[];
  readonly ops: Ops;
  readonly decoder: Decoder;
  readonly weights: WeightDType;
}

class BackendModel implements LoadedModel {
  readonly info: ModelInfo;
  readonly config: DecoderConfig;
  readonly tokenizer: Tokenizer | null;
  readonly stopIds: ReadonlySet<number>;
  readonly stopStrings: readonly string[];
  readonly weights: WeightDType;
  readonly kv: KvDType;
  readonly #allocator: PageAllocator;
  readonly #scheduler: Scheduler;
  readonly #chunkTokens: number;
  readonly #snapshots: ModelSnapshots | undefined;

  readonly #parts: Parts;

  constructor(
    parts: Parts,
    { kv, chunkTokens = CHUNK_TOKENS[parts.ops.backend], scheduler = new Scheduler(), snapshots }: LoadOptions,
  ) {
    this.#parts = parts;

    const { name, notes, ops, decoder } = parts;
    this.config = decoder.config;
    this.tokenizer = parts.tokenizer;
    this.stopIds = parts.tokenizer?.stopIds ?? new Set(parts.generationStopIds);
    this.stopStrings = parts.stopStrings;
    this.weights = parts.weights;
    this.#chunkTokens = chunkTokens;
    this.#scheduler = scheduler;
    if (snapshots && parts.fingerprint !== null) {
      const identity = JSON.stringify([snapshots.version, parts.fingerprint, this.weights]);
      this.#snapshots = { store: snapshots.store, identity };
    }
    const { layers, kvHeads, headDim, maxPositions: contextLength } = this.config;
    const sizes = { layers, kvHeads, headDim };
    this.kv = kv ?? chooseKvDtype({ ...sizes, contextLength, freeBytes: ops.bytesFree });
    this.#allocator = new PageAllocator(ops.createKvPool({ ...sizes, dtype: this.kv }));
    this.info = {
      modelId: name,
      name,
      contextLength: this.config.maxPositions,
      backend: ops.backend,
      chat: parts.tokenizer?.hasChatTemplate ?? false,
      device: ops.deviceName,
      notes,
      bytes: ops.bytesHeld,
    };
  }

  createSession(priority?: Priority): Session {
    const { ops, decoder } = this.#parts;
    const allocator = this.#allocator;
    const scheduler = this.#scheduler;
    const chunkTokens = this.#chunkTokens;
    const snapshots = this.#snapshots;
    const contextLength = this.config.maxPositions;
    const chatChunkTokens = Math.min(chunkTokens, CHAT_CHUNK_TOKENS[ops.backend]);
    const chunks = { chunkTokens, chatChunkTokens };
    return new Session({ ops, decoder, allocator, scheduler, contextLength, ...chunks, snapshots }, priority);
  }

  bytesHeld(): number {
    return this.#parts.ops.bytesHeld;
  }

  kvBytes(): number {
    const { pool } = this.#allocator;
    return pool.capacity * pool.pageBytes;
  }

  tokensFree(): number {
    const { pool, pagesInUse } = this.#allocator;
    const more = Math.max(0, Math.floor(this.#parts.ops.bytesFree / pool.pageBytes));
    return PAGE_TOKENS * (pool.capacity - pagesInUse + more);
  }

  startProfile(): (() => readonly OperationTime[]) | undefined {
    const { ops } = this.#parts;
    if (!ops.startProfile) return undefined;
    ops.startProfile();
    return () => ops.profile!();
  }

  async dispose(): Promise<void> {
    this.#parts.tokenizer?.dispose();
    await this.#parts.ops.dispose();
  }
}

/** A backend without a model, as the options ask for it, and why a better one was not taken. The caller disposes it. */
export async function openBackend(options: LoadOptions): Promise<{ ops: Ops; notes: string[] }> {
  const { backend, threads, allowSoftwareGpu: allowSoftware = false } = options;
  const create: Record<Backend, () => Promise<Ops>> = {
    webgpu: () => createGpuOps({ allowSoftware }),
    wasm: () => createWasmOps(threads === undefined ? {} : { threads }),
    reference: async () => new ReferenceOps(),
  };
  try {
    return { ops: await create[backend === 'auto' ? 'webgpu' : backend](), notes: [] };
  } catch (error) {
    if (!(error instanceof GpuUnavailable)) throw error;
    if (backend !== 'auto') throw new BadRequest(`WebGPU cannot be used: ${error.message}`);
    return { ops: await create.wasm(), notes: [`WebGPU is not used: ${error.message}`] };
  }
}
