import { check } from '../check.ts';
import {
  type Epilogue,
  type AttentionOptions,
  type AttentionShape,
  type Gelu,
  type HeadNorms,
  BackendLost,
  type KvLayout,
  type KvPool,
  type KvView,
  type Ops,
  type QkvOrder,
  type StepResult,
  type Tensor,
  type WeightDType,
  type WeightWriter,
} from '../ops.ts';
import { readBack, tensorsOf } from '../shared/readBack.ts';
import { checkReplaceRows } from '../shared/rows.ts';
import { type AdapterOptions, openGpu, withDriver } from './device/adapter.ts';
import { appendKv } from './attention/appendKv.ts';
import { attention } from './attention/attention.ts';
import { embed } from './matmul/embed.ts';
import { gatherRows } from './rowwise/gatherRows.ts';
import { gegelu } from './rowwise/gegelu.ts';
import { gelu } from './rowwise/gelu.ts';
import { type Kernel, Pipelines } from './device/kernel.ts';
import { GpuKvPool, regionBytes } from './attention/kvPool.ts';
import { layerNorm } from './rowwise/layerNorm.ts';
import { linear } from './matmul/linear.ts';
import { maskedScale } from './rowwise/maskedScale.ts';
import { DispatchBudget } from './device/dispatchBudget.ts';
import { Memory, type MemoryLimits } from './device/memory.ts';
import { Recording } from './device/recording.ts';
import { headNorm } from './rowwise/headNorm.ts';
import { rmsNorm } from './rowwise/rmsNorm.ts';
import { Runner, type TimedRun } from './device/runner.ts';
import { siluMul } from './rowwise/siluMul.ts';
import { type GpuTensor, type GpuWeight, Storage, activation, values, weightOf } from './device/tensor.ts';
import { argmax } from './rowwise/argmax.ts';
import { type ForcedVariants, VariantChoice } from './variants/choice.ts';
import { type TuneOptions, type Tuning, tune } from './variants/tuner.ts';
import { topK } from './rowwise/topK.ts';
import { freeWeight, weightWriter } from './matmul/weight.ts';
import { Packers } from './packing/packers.ts';

export { type AdapterOptions, type GpuReport, gpuReport } from './device/adapter.ts';
export { type GpuSpeed, gpuSpeed } from './speed/gpuSpeed.ts';
export { GpuUnavailable } from './device/dawn.ts';
export type { ForcedVariants } from './variants/choice.ts';
export { needMatrices } from './variants/products.ts';
export { type TuneOptions, type TunedShape, type Tuning, type Turn, dropped } from './variants/tuner.ts';

export interface GpuOptions extends AdapterOptions {
  /** Called once when the device goes away without dispose(). */
  readonly onLost?: (reason: BackendLost) => void;
  readonly variants?: ForcedVariants | undefined;
}

/** Ops on the best GPU. Rejects with GpuUnavailable, whose message is one sentence for the user. */
export async function createGpuOps(options: GpuOptions = {}): Promise<GpuOps> {
  const { device, deviceName, memory, offered } = await openGpu(options);
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize } = device.limits;
  const bufferBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize, options.largestBufferBytes ?? Infinity);
  const variants = new VariantChoice(offered, maxComputeWorkgroupStorageSize, options.variants);
  return new GpuOps(device, deviceName, { ...memory, bufferBytes }, variants, options.onLost);
}

/** Ops through WebGPU: a step is one command buffer, and a long one several. */
export class GpuOps implements Ops {
  readonly backend = 'webgpu';
  readonly #memory: Memory;
  readonly #runner: Runner;
  readonly #packers = new Packers();
  readonly budget = new DispatchBudget();
  readonly #pipelines: Pipelines;
  readonly #weights = new Set<GpuWeight>();
  #recording: Recording | undefined;
  #running: Promise<unknown> | undefined;
  #failure: unknown;
  #disposed = false;

  constructor(
    readonly device: GPUDevice,
    readonly deviceName: string,
    limits: MemoryLimits,
    readonly variants: VariantChoice,
    onLost?: (reason: BackendLost) => void,
  ) {
    const pipelines = (this.#pipelines = new Pipelines(device));
    this.#memory = new Memory(device, limits, () => pipelines.forgetBindGroups());
    this.#runner = new Runner(this.#memory, pipelines);
    this.#memory.onLost = (reason) => {
      if (!this.#disposed) onLost?.(reason);
    };
  }

  /** Why a kernel does not compile here, in one line; undefined where it does. */
  compileFailure(kernel: Kernel): Promise<string | undefined> {
    return this.#pipelines.compileFailure(kernel);
  }

  /** The adapter's name and its driver: what choices of variants hold for. */
  get adapter(): string {
    return withDriver(this.deviceName, this.device.adapterInfo);
  }

  /** Whether it computes on the CPU. */
  get isSoftware(): boolean {
    return this.device.adapterInfo.isFallbackAdapter;
  }

  /**
   * Finds the fastest variants for the weights that are held, and runs them from then on. Its steps, each in its turn, must
   * not run at the same time as others. Rejects with BackendLost or OutOfMemory.
   */
  tune(options: TuneOptions): Promise<Tuning> {
    return tune(this, [...this.#weights], options);
  }

  get bytesHeld(): number {
    return this.#memory.bytesHeld;
  }

  get bytesFree(): number {
    return this.#memory.bytesFree;
  }

  /** Dispatches of all steps so far, counted as they are submitted. */
  get dispatches(): number {
    return this.#runner.dispatches;
  }

  /** Command buffers of all steps so far; likewise. */
  get submissions(): number {
    return this.#runner.submissions;
  }

  createWeight(shape: readonly [number, number], dtype: WeightDType): WeightWriter {
    const { writeStored, finish } = weightWriter(this.#memory, this.#packers, shape, dtype);
    return {
      writeStored,
      finish: async () => {
        const weight = await finish();
        this.#weights.add(weight);
        return weight;
      },
    };
  }

  upload(data: Float32Array, shape: readonly number[]): Tensor {
    check(data.length === values(shape), () => `upload: ${data.length} values for (${shape})`);
    const { value, settled } = this.#memory.guard(
      () => data.byteLength,
      () => this.#memory.allocate(data.byteLength),
    );
    settled.catch((error: unknown) => (this.#failure ??= error)); // The next step reports it.
    this.device.queue.writeBuffer(value.gpu, 0, new Float32Array(data));
    const tensor: GpuTensor = { shape, dtype: 'f32', storage: new Storage(data.byteLength, value) };
    return tensor;
  }

  createKvPool(layout: KvLayout): KvPool {
    return new GpuKvPool(this.#memory, layout);
  }

  mostKvPages(layout: KvLayout): number {
    return Math.floor(this.#memory.limits.bufferBytes / regionBytes(layout));
  }

  free(tensor: Tensor): void {
    if ('parts' in tensor) {
      const weight = weightOf(tensor, 'free');
      this.#weights.delete(weight);
      freeWeight(this.#memory, weight);
    } else this.#memory.destroy(activation(tensor, 'free').storage.buffer!);
  }

  async step(record: () => StepResult): Promise<Float32Array> {
    const { recording, wanted, results } = this.#record(record);
    try {
      return await (this.#running = this.#run(recording, wanted, results));
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  /** A step beside those of models, and what it took. It may fail without harm to later ones. */
  async timedStep(record: () => Tensor): Promise<TimedRun> {
    const { recording, results } = this.#record(record);
    const run = this.#runner.runTimed(recording, results);
    this.#running = run;
    try {
      return await run;
    } finally {
      this.#running = undefined;
    }
  }

  #record<T extends StepResult>(record: () => T): { recording: Recording; wanted: T; results: Storage[] } {
    check(!this.#disposed, () => 'step: the backend is disposed');
    check(!this.#running, () => 'step: the step before has not ended');
    if (this.#memory.lost ?? this.#failure) throw this.#memory.lost ?? this.#failure;
    const recording = (this.#recording = new Recording(this.budget));
    try {
      const wanted = record();
      return { recording, wanted, results: tensorsOf(wanted).map((tensor) => activation(tensor, 'step').storage) };
    } finally {
      this.#recording = undefined;
    }
  }

  async #run(recording: Recording, wanted: StepResult, results: Storage[]): Promise<Float32Array> {
    const first = await this.#runner.run(recording, results);
    return readBack(wanted, (tensor) => {
      const { storage } = activation(tensor, 'step');
      return storage === results[0] ? first : this.#runner.read(storage);
    });
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#packers.dispose();
    await this.#running?.catch(() => {}); // The caller of step() gets the error.
    this.#memory.destroyAll();
    this.device.destroy();
  }

  input(data: Float32Array, shape: readonly number[]): Tensor {
    return this.#now('input').input(data, shape);
  }

  embed(table: Tensor, ids: readonly number[], scale = 1): Tensor {
    return embed(this.#now('embed'), weightOf(table, 'embed'), ids, scale);
  }

  rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
    return rmsNorm(this.#now('rmsNorm'), activation(x, 'rmsNorm'), activation(weight, 'rmsNorm'), eps);
  }

  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
    const [y, w, b] = [x, weight, bias].map((tensor) => activation(tensor, 'layerNorm'));
    return layerNorm(this.#now('layerNorm'), y!, w!, b!, eps);
  }

  headNorm(qkv: Tensor, { q, k }: HeadNorms<Tensor>, shape: AttentionShape, eps: number): Tensor {
    const norms = { q: activation(q, 'headNorm'), k: activation(k, 'headNorm') };
    return headNorm(this.#now('headNorm'), activation(qkv, 'headNorm'), norms, shape, eps);
  }

  linear(x: Tensor, weight: Tensor, { bias, residual }: Epilogue = {}): Tensor {
    const add = { bias: bias && activation(bias, 'linear'), residual: residual && activation(residual, 'linear') };
    return linear(this.#now('linear'), this.variants, activation(x, 'linear'), weightOf(weight, 'linear'), add);
  }

  appendKv(
    qkv: Tensor,
    rope: Tensor,
    kv: KvView,
    layer: number,
    shape: AttentionShape & { readonly order: QkvOrder },
  ): Tensor {
    return appendKv(this.#now('appendKv'), activation(qkv, 'appendKv'), activation(rope, 'appendKv'), kv, layer, shape);
  }

  attention(q: Tensor, kv: KvView, layer: number, options: AttentionOptions): Tensor {
    return attention(this.#now('attention'), this.variants.attention, activation(q, 'attention'), kv, layer, options);
  }

  siluMul(gateUp: Tensor): Tensor {
    return siluMul(this.#now('siluMul'), activation(gateUp, 'siluMul'));
  }

  gegelu(x: Tensor, limit: number): Tensor {
    return gegelu(this.#now('gegelu'), activation(x, 'gegelu'), limit);
  }

  maskedScale(x: Tensor, mask: Tensor, factor: number): Tensor {
    const [values, chosen] = [x, mask].map((tensor) => activation(tensor, 'maskedScale'));
    return maskedScale(this.#now('maskedScale'), values!, chosen!, factor);
  }

  gelu(x: Tensor, kind: Gelu): Tensor {
    return gelu(this.#now('gelu'), activation(x, 'gelu'), kind);
  }

  lastRows(x: Tensor, count: number): Tensor {
    const [rows = 0, cols = 0] = x.shape;
    check(count <= rows, () => `lastRows: ${count} of (${x.shape})`);
    const y = this.#now('lastRows').tensor([count, cols]);
    this.#now('lastRows').copy(activation(x, 'lastRows').storage, y.storage, {
      fromByte: (rows - count) * cols * 4,
      bytes: count * cols * 4,
    });
    return y;
  }

  gatherRows(x: Tensor, ids: readonly number[], side = 1): Tensor {
    return gatherRows(this.#now('gatherRows'), activation(x, 'gatherRows'), ids, side);
  }

  replaceRows(x: Tensor, at: number, rows: Tensor): Tensor {
    checkReplaceRows(x, at, rows);
    const [from, to] = [rows, x].map((tensor) => activation(tensor, 'replaceRows').storage);
    this.#now('replaceRows').copy(from!, to!, { toByte: at * x.shape[1]! * 4, bytes: values(rows.shape) * 4 });
    return x;
  }

  argmax(logits: Tensor): Tensor {
    return argmax(this.#now('argmax'), activation(logits, 'argmax'));
  }

  topK(logits: Tensor, k: number, inverseTemperature: number): Tensor {
    return topK(this.#now('topK'), activation(logits, 'topK'), k, inverseTemperature);
  }

  #now(op: string): Recording {
    check(this.#recording !== undefined, () => `${op}: only inside a step`);
    return this.#recording;
  }
}
