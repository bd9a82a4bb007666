/**
 * The operations of a backend, and the memory that it computes on. The engine sees this file and little else of kernels/;
 * engine/load/openBackend.ts alone names the backends. Notation: every matrix is row-major, weights are (out, in).
 *
 * Operations are *recorded*: they return a Tensor at once and run when the step they belong to is submitted. A GPU
 * turns a step into one command buffer; the WASM backend hands the whole list to its workers, so that the event loop
 * of the engine process stays free; the reference computes at once.
 */

import type { StoredType } from './stored/storedTypes.ts';

/**
 * The format of a weight matrix on a backend. Quantised ones have codes of as many bits as their name says, with an f16
 * scale per group along `in`; those in m also an f16 minimum; those of q4nl are numbers of 16 levels (see quantize.ts).
 * Those in k are super-blocks, which only take what is stored in the same form (see superBlocks.ts).
 */
export type WeightDType = 'f32' | 'f16' | 'q8' | 'q4' | 'q4nl' | 'q4m' | 'q4k' | 'q5m' | 'q5k' | 'q6m';
/** The format of the KV cache. q8: int8, with one f32 scale (largest magnitude / 127) per token and head. */
export type KvDType = 'f32' | 'f16' | 'q8';

/** A handle. Each backend adds fields of its own; the engine only passes it on. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: WeightDType;
}

/** Takes a weight in pieces of whole rows, in order, so that no whole tensor is ever held beside the packed one. */
export interface WeightWriter {
  /**
   * Takes the next rows as a checkpoint stores them. `fill` is called once and writes `bytes` bytes, a whole number of
   * rows, to the memory that the backend gives it. Calls may overlap; the rows follow those of the calls before.
   * Resolves with the largest magnitude of the rows, which is not finite where one of their values is not. Rejects with
   * OutOfMemory, BackendLost, or as `fill` does.
   */
  writeStored(bytes: number, type: StoredType, fill: (into: Uint8Array) => Promise<void>): Promise<number>;
  /** After the last row. Rejects with OutOfMemory or BackendLost. */
  finish(): Promise<Tensor>;
}

/** Tokens per page of the KV cache; equals the block size of phi-3-small's block-sparse layers. */
export const PAGE_TOKENS = 64;

export interface KvLayout {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: KvDType;
}

/**
 * The pages of all sequences of one model. A page holds PAGE_TOKENS rotated keys and values of *every* layer; which
 * pages belong to whom is the engine's business (engine/inference/kvCache.ts).
 */
export interface KvPool {
  readonly layout: KvLayout;
  readonly pageBytes: number;
  /** Number of pages that exist. Their ids are 0 .. capacity - 1. */
  readonly capacity: number;
  /** Makes room for at least `pages` pages and keeps the existing ones. Rejects with OutOfMemory and then changes nothing. */
  grow(pages: number): Promise<void>;
  /** Copies page `from` to page `to` in all layers. Only between steps. Rejects with BackendLost. */
  copy(from: number, to: number): Promise<void>;
  /** Reads the pageBytes of a page, which a pool of the same layout on the same backend can write. Only between steps. */
  read(page: number): Promise<Uint8Array>;
  /** Writes a page that `read` returned. Only between steps. */
  write(page: number, bytes: Uint8Array): Promise<void>;
  /**
   * Gives up all pages, none of which may be in use. Absent where that would help neither other models nor other
   * programs, since the backend's memory never shrinks.
   */
  clear?(): void;
  dispose(): void;
}

/** The KV cache of one sequence, as a step sees it. */
export interface KvView {
  readonly pool: KvPool;
  /** Page ids in order of position. They cover `length` and the tokens of this step. */
  readonly pages: readonly number[];
  /** Number of tokens stored before this step, and so the position of its first token. */
  readonly length: number;
}

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Block-sparse attention of phi-3-small; kernels/sparsity.ts says what is visible. */
export interface Sparsity {
  /** Tokens per block: a power of two from 16. */
  readonly blockTokens: number;
  readonly localBlocks: number;
  readonly vertStride: number;
  /** Head h sees the blocks kb with (kb + h headStep + 1) % vertStride == 0, beside the local ones. */
  readonly headStep: number;
}

export interface AttentionOptions extends AttentionShape {
  /** Factor of the scores q . k. */
  readonly scale: number;
  /** Position p sees s only if p - s < window. */
  readonly window: number;
  /** Whether a position sees those after it too, as far as the step stores them: attention in an image encoder. */
  readonly bidirectional?: boolean | undefined;
  /** Dense where absent. */
  readonly sparsity?: Sparsity | undefined;
}

/**
 * The order of the heads in a fused projection. byKind: all q, all k, all v heads. byGroup: for each kv head
 * its heads / kvHeads query heads, its k, its v.
 */
export type QkvOrder = 'byKind' | 'byGroup';

/** quick: x sigmoid(1.702 x), which CLIP uses. erf: x (1 + erf(x / sqrt(2))) / 2, the exact function. */
export type Gelu = 'quick' | 'erf';

/** Weights, (headDim) each, of the norms of the heads of q and of k. */
export interface HeadNorms<T> {
  readonly q: T;
  readonly k: T;
}

/** The time of all operations of one kind and shape, including the time that threads waited for each other. */
export interface OperationTime {
  /** Kernel and shape. */
  readonly op: string;
  readonly count: number;
  readonly ms: number;
  /** Bytes of weights and activations that had to be read and written, each tensor counted once. */
  readonly bytes: number;
  readonly macs: number;
}

/** Tensors that linear adds to a product before storing it. bias: (out), residual: (rows, out). */
export interface Epilogue {
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
}

/** A step that reads back candidates and, only where they do not suffice, whole rows of logits. */
export interface ReadBack {
  readonly candidates: Tensor;
  /** Decides from the values of `candidates` whether those of `logits` are read back too and follow them. */
  readonly needsLogits: (candidates: Float32Array) => boolean;
  readonly logits: Tensor;
}

/** What a step reads back. */
export type StepResult = Tensor | ReadBack | readonly Tensor[];

export interface Ops {
  readonly backend: 'reference' | 'wasm' | 'webgpu';
  /** The device as shown to the user: the adapter's name, or the SIMD path and the number of threads. */
  readonly deviceName: string;

  // Memory ---------------------------------------------------------------------------------------------------------
  /**
   * shape: (out, in). Throws OutOfMemory when the backend knows that it does not fit. `layer`, here and in upload: the
   * decoder layer it belongs to. A backend whose memories are small (WASM: 4 GiB each) spreads a model by layers.
   */
  createWeight(shape: readonly [number, number], dtype: WeightDType, layer?: number): WeightWriter;
  /** A small f32 tensor that stays: norm weights, biases. */
  upload(data: Float32Array, shape: readonly number[], layer?: number): Tensor;
  createKvPool(layout: KvLayout): KvPool;
  /** The most pages that a pool can have, however much memory is free; Infinity where only memory limits them. */
  mostKvPages(layout: KvLayout): number;
  /** Frees a tensor made by createWeight or upload. */
  free(tensor: Tensor): void;
  /** Bytes held now by weights, uploads, KV pools and scratch. Tests count leaks with it. */
  readonly bytesHeld: number;
  /** Bytes that could still be allocated, as far as the backend knows. */
  readonly bytesFree: number;

  // Steps ----------------------------------------------------------------------------------------------------------
  /**
   * Records the operations `record` calls, runs them in order and resolves with the values of what it returns (row-major;
   * of a list, those of all tensors, one after another). `record` may be called twice, as a backend compares a step with
   * the one before it. Tensors made inside die with the step. One step at a time: a second call before the first resolved
   * throws. Rejects with BackendLost or OutOfMemory, after which only dispose() may be called.
   */
  step(record: () => StepResult): Promise<Float32Array>;
  /** Times the operations of each step from now on and drops earlier times. Absent where a backend cannot. */
  startProfile?(): void;
  /** Times of steps since startProfile, by operation, the longest first. */
  profile?(): readonly OperationTime[];
  dispose(): Promise<void>;

  // Operations, only inside `record` ---------------------------------------------------------------------------------
  /** Data from the host, f32. */
  input(data: Float32Array, shape: readonly number[]): Tensor;
  /** Rows `ids` of table (vocabulary, hidden), times `scale` (1 where absent) -> (ids.length, hidden), f32. */
  embed(table: Tensor, ids: readonly number[], scale?: number): Tensor;
  /** x / sqrt(mean(x^2) + eps) * weight, row by row. x: (rows, cols), weight: (cols). */
  rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor;
  /** (x - mean) / sqrt(variance + eps) * weight + bias, row by row, variance / cols. x: (rows, cols), weight, bias: (cols). */
  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor;
  /**
   * rmsNorm of each head of q and k with the weights of its kind; v is copied. qkv: (tokens, (heads + 2 kvHeads)
   * headDim), all q, all k, all v heads -> the same shape.
   */
  headNorm(qkv: Tensor, norms: HeadNorms<Tensor>, shape: AttentionShape, eps: number): Tensor;
  /** x @ weight^T, plus bias and residual where given. x: (rows, in), weight: (out, in) -> (rows, out). */
  linear(x: Tensor, weight: Tensor, epilogue?: Epilogue): Tensor;
  /**
   * qkv: (tokens, (heads + 2 kvHeads) headDim), heads in `order`. rope: (tokens, headDim), the cosines of headDim/2
   * frequencies then their sines, for each token's position. Rotates q and k in half-split pairs (i, i + headDim/2):
   * y_i = x_i cos_i - x_{i+h} sin_i, y_{i+h} = x_{i+h} cos_i + x_i sin_i. Stores k and v at positions kv.length.. of
   * `layer`; returns the rotated q: (tokens, heads headDim), head h at h headDim.
   */
  appendKv(
    qkv: Tensor,
    rope: Tensor,
    kv: KvView,
    layer: number,
    shape: AttentionShape & { readonly order: QkvOrder },
  ): Tensor;
  /**
   * softmax(scale q k^T) v for the step's tokens, whose k and v appendKv has just stored. Token t at position
   * p = kv.length + t sees position s iff s <= p, p - s < window and, where `sparsity` is given, s lies in a block that
   * is visible to the head. q head h uses kv head floor(h kvHeads / heads). Cost grows with what is visible: blocks that
   * are not are skipped. q: (tokens, heads headDim) -> the same shape. Memory does not grow with tokens * positions.
   */
  attention(q: Tensor, kv: KvView, layer: number, options: AttentionOptions): Tensor;
  /** gateUp: (rows, 2 width), gate first -> up * gate * sigmoid(gate): (rows, width). */
  siluMul(gateUp: Tensor): Tensor;
  /**
   * GEGELU of phi-3-small. x: (rows, 2 width), gate and linear interleaved -> a sigmoid(1.702 a) (l + 1): (rows, width),
   * a = min(x[2i], limit), l = clamp(x[2i + 1], -limit, limit).
   */
  gegelu(x: Tensor, limit: number): Tensor;
  /** x * factor where mask is 1, -MAX_F32 where it is 0. x: (rows, cols), mask: (cols). */
  maskedScale(x: Tensor, mask: Tensor, factor: number): Tensor;
  /** x: any shape -> the same shape. See Gelu. */
  gelu(x: Tensor, kind: Gelu): Tensor;
  /** The last `count` rows of x. */
  lastRows(x: Tensor, count: number): Tensor;
  /** Rows `ids` of x, `side` of them side by side. x: (rows, cols) -> (ids.length / side, side cols). */
  gatherRows(x: Tensor, ids: readonly number[], side?: number): Tensor;
  /** x with its rows from `at` on replaced by those of `rows`. x is no longer to be used. x: (rows, cols), f32. */
  replaceRows(x: Tensor, at: number, rows: Tensor): Tensor;
  /** Per row the id of the largest value (the lowest id on ties) and its log-probability: (rows, 2). */
  argmax(logits: Tensor): Tensor;
  /**
   * Per row its k largest values (all of a smaller vocabulary), and what makes probabilities of them at temperature 1
   * and another: (rows, 2 k + 2). A row holds k ids, largest value first and the lowest id first on ties; their values;
   * and, over the whole row, log(sum(exp(x - largest))) and log(sum(exp((x - largest) inverseTemperature))). Where a
   * value is NaN or Infinity both are not finite and the rest means nothing. k is from 1 to MOST_TOP_K.
   */
  topK(logits: Tensor, k: number, inverseTemperature: number): Tensor;
}

export const MOST_TOP_K = 256;

/** The largest f32; its negative is the logit of an id that cannot be chosen. */
export const MAX_F32 = 3.4028234663852886e38;

/** An allocation failed or is known not to fit. */
export class OutOfMemory extends Error {
  override name = 'OutOfMemory';
  constructor(
    readonly neededBytes: number,
    message: string,
  ) {
    super(message);
  }
}

/** The device went away (driver reset, worker died). Nothing on it can be used again. */
export class BackendLost extends Error {
  override name = 'BackendLost';
}

/** The backend cannot compute here, for instance because a driver refuses a shader. Opening it again would not help. */
export class BackendRefused extends BackendLost {
  override name = 'BackendRefused';
}
