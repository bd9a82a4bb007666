import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatch, type Operation, Recording } from './recording.ts';
import { PARAMS_BYTES, Pipelines, type Scalar } from './kernel.ts';
import { type HeldBuffer, MAP_MODE_READ, Memory, USAGE } from './memory.ts';
import { ScratchPool } from './scratch.ts';
import type { Storage } from './tensor.ts';

/** Runs recordings: one command buffer each, and one small read-back. */
export class Runner {
  readonly #scratch: ScratchPool;
  readonly #durationsMs = new Map<string, number>();
  readonly #paramsStride: number;
  /** Dispatches that were submitted. */
  dispatches = 0;
  #uniforms: HeldBuffer | undefined;
  #readback: HeldBuffer | undefined;

  readonly #memory: Memory;
  readonly #pipelines: Pipelines;

  constructor(memory: Memory, pipelines: Pipelines) {
    this.#memory = memory;
    this.#pipelines = pipelines;

    this.#scratch = new ScratchPool(memory);
    this.#paramsStride = Math.max(PARAMS_BYTES, memory.device.limits.minUniformBufferOffsetAlignment);
  }

  /**
   * The values of the first of `results`; the others may be read until the next run. Rejects with OutOfMemory, BackendLost,
   * or BackendRefused, which names the shader where one is at fault.
   */
  async run(recording: Recording, results: readonly Storage[]): Promise<Float32Array> {
    recording.dropUnneeded(results);
    const { readback, settled } = this.#submit(results[0]!, (encoder) => {
      this.#scratch.reset();
      recording.assignBuffers(results, this.#scratch);
      for (const { storage, data } of recording.inputs)
        this.#memory.device.queue.writeBuffer(storage.buffer!.gpu, 0, data);
      this.#encode(encoder, recording.operations);
    });
    const started = performance.now();
    const { likelyMs, ended } = this.#pace(recording.operations);
    await settled.catch((error: unknown) => {
      throw this.#pipelines.refused ?? error;
    });
    if (likelyMs > SHORTEST_SLEEP_MS) await sleep(likelyMs * SLEEP_SHARE);
    const values = await this.#valuesOf(readback, results[0]!.bytes);
    ended(performance.now() - started);
    return values;
  }

  /** The values of another result of the last run. Rejects as run. */
  async read(result: Storage): Promise<Float32Array> {
    const { readback, settled } = this.#submit(result, () => {});
    await settled;
    return this.#valuesOf(readback, result.bytes);
  }

  async #valuesOf(readback: GPUBuffer, bytes: number): Promise<Float32Array> {
    await this.#memory.orLost(readback.mapAsync(MAP_MODE_READ, 0, bytes));
    const values = new Float32Array(readback.getMappedRange(0, bytes).slice(0));
    readback.unmap();
    return values;
  }

  /**
   * The duration of the last run with as many operations and about as much work. While a result is awaited, Dawn polls for
   * it in every turn of the event loop, which keeps a core busy; most of that time is better slept through.
   */
  #pace(operations: readonly Operation[]): { likelyMs: number; ended: (ms: number) => void } {
    let work = 1;
    for (const operation of operations)
      if ('kernel' in operation) work += operation.turns * operation.grid.reduce((a, b) => a * b);
    const key = `${operations.length} ${Math.round(WORK_CLASSES * Math.log2(work))}`;
    if (this.#durationsMs.size > MOST_DURATIONS) this.#durationsMs.clear();
    return { likelyMs: this.#durationsMs.get(key) ?? 0, ended: (ms) => this.#durationsMs.set(key, ms) };
  }

  /** One command buffer: what `encode` says, then the copy of `result` to where the host can read it. */
  #submit(
    result: Storage,
    encode: (encoder: GPUCommandEncoder) => void,
  ): { readback: GPUBuffer; settled: Promise<void> } {
    const before = this.#memory.bytesHeld;
    const { value: readback, settled } = this.#memory.guard(
      () => this.#memory.bytesHeld - before,
      () => {
        const encoder = this.#memory.device.createCommandEncoder();
        encode(encoder);
        this.#readback = this.#atLeast(this.#readback, result.bytes, USAGE.MAP_READ | USAGE.COPY_DST);
        encoder.copyBufferToBuffer(result.buffer!.gpu, 0, this.#readback.gpu, 0, result.bytes);
        this.#memory.device.queue.submit([encoder.finish()]);
        return this.#readback.gpu;
      },
    );
    return { readback, settled };
  }

  #encode(encoder: GPUCommandEncoder, operations: readonly Operation[]): void {
    const uniforms = this.#writeParams(operations.filter((operation) => 'kernel' in operation));
    let pass: GPUComputePassEncoder | undefined;
    let params = 0;
    for (const operation of operations) {
      if ('kernel' in operation) {
        pass ??= encoder.beginComputePass();
        const pipeline = this.#pipelines.get(operation.kernel);
        const buffers = operation.storages.map((storage) => storage.buffer!);
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, this.#pipelines.bindGroup(pipeline, [...buffers, uniforms]), [params]);
        pass.dispatchWorkgroups(...operation.grid);
        this.dispatches++;
        params += this.#paramsStride;
      } else {
        pass?.end();
        pass = undefined;
        const { from, to, fromByte = 0, toByte = 0, bytes } = operation;
        encoder.copyBufferToBuffer(from.buffer!.gpu, fromByte, to.buffer!.gpu, toByte, bytes);
      }
    }
    pass?.end();
  }

  /** One upload for the parameters of all dispatches, each at its own dynamic offset. */
  #writeParams(dispatches: readonly Dispatch[]): HeldBuffer {
    const bytes = Math.max(1, dispatches.length) * this.#paramsStride;
    this.#uniforms = this.#atLeast(this.#uniforms, bytes, USAGE.UNIFORM | USAGE.COPY_DST);
    const view = new DataView(new ArrayBuffer(bytes));
    dispatches.forEach(({ params }, index) => {
      params.forEach((param, i) => setScalar(view, index * this.#paramsStride + i * 4, param));
    });
    this.#memory.device.queue.writeBuffer(this.#uniforms.gpu, 0, view.buffer);
    return this.#uniforms;
  }

  #atLeast(buffer: HeldBuffer | undefined, bytes: number, usage: number): HeldBuffer {
    if (buffer && buffer.bytes >= bytes) return buffer;
    if (buffer) this.#memory.destroy(buffer);
    return this.#memory.allocate(2 ** Math.ceil(Math.log2(bytes)), usage);
  }
}

const SHORTEST_SLEEP_MS = 3; // Timers are accurate to a millisecond.
const SLEEP_SHARE = 0.75; // A step that has become faster ends at most this much of its old time late, and less each time.
const MOST_DURATIONS = 1000;
const WORK_CLASSES = 4; // For every doubling of the work.

function setScalar(view: DataView, at: number, { type, value }: Scalar): void {
  if (type === 'u32') view.setUint32(at, value, true);
  else view.setFloat32(at, value, true);
}
