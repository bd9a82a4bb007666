import { setTimeout as sleep } from 'node:timers/promises';
import { type Copy, type Dispatch, type Operation, type Recording, macsOf } from './recording.ts';
import { PARAMS_BYTES, Pipelines, type Scalar } from './kernel.ts';
import { type HeldBuffer, MAP_MODE_READ, Memory, USAGE } from './memory.ts';
import { ScratchPool } from './scratch.ts';
import { Storage } from './tensor.ts';
import { Timestamps, secondsBetween } from './timestamps.ts';

/** What a run has given, and the seconds it took. */
export interface TimedRun {
  readonly values: Float32Array;
  readonly hostSeconds: number;
  readonly gpuSeconds: number | undefined;
}

/** Runs recordings: one command buffer each, or several where that would take long, and one small read-back. */
export class Runner {
  readonly #scratch: ScratchPool;
  readonly #durationsMs = new Map<string, number>();
  readonly #paramsStride: number;
  /** Dispatches that were submitted. */
  dispatches = 0;
  /** Command buffers that were. */
  submissions = 0;
  #uniforms: HeldBuffer | undefined;
  #readback: HeldBuffer | undefined;
  /** Made when the first step is timed. */
  #stamps: Timestamps | undefined;

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
  async run(recording: Recording, results: readonly Storage[], stamps?: Timestamps): Promise<Float32Array> {
    recording.dropUnneeded(results);
    const { macs, budget, operations } = recording;
    const { likelyMs, ended } = this.#pace(recording);
    const parts = inParts(operations, budget.submissionMacs(macs, likelyMs));
    const kernels = this.#pipelines.size;
    const { readback, settled } = this.#submit(results[0]!, () => {
      this.#scratch.reset();
      recording.assignBuffers(results, this.#scratch);
      for (const { storage, data } of recording.inputs)
        this.#memory.device.queue.writeBuffer(storage.buffer!.gpu, 0, data);
      return this.#encode(parts, stamps);
    });
    const started = performance.now();
    await settled.catch((error: unknown) => {
      throw this.#pipelines.refused ?? error;
    });
    if (likelyMs > SHORTEST_SLEEP_MS) await sleep(likelyMs * SLEEP_SHARE);
    const values = await this.#valuesOf(readback, results[0]!.bytes);
    const ms = performance.now() - started;
    if (this.#pipelines.size > kernels) return values; // Most of it was compiling.
    ended(ms);
    budget.ended(macs, ms);
    return values;
  }

  /**
   * Likewise, with the seconds it took: all of it, by the host's clock, and its passes by the GPU's, where that has timestamps
   * that can be true.
   */
  async runTimed(recording: Recording, results: readonly Storage[]): Promise<TimedRun> {
    const stamps = (this.#stamps ??= Timestamps.of(this.#memory));
    const started = performance.now();
    const values = await this.run(recording, results, stamps);
    const hostSeconds = (performance.now() - started) / 1000;
    const read = stamps && (await this.read(new Storage(Timestamps.BYTES, stamps.resolved)));
    return { values, hostSeconds, gpuSeconds: read && secondsBetween(read.buffer, hostSeconds) };
  }

  /** The values of another result of the last run. Rejects as run. */
  async read(result: Storage): Promise<Float32Array> {
    const { readback, settled } = this.#submit(result, () => this.#memory.device.createCommandEncoder());
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
  #pace({ operations, macs }: Recording): { likelyMs: number; ended: (ms: number) => void } {
    let work = 1 + macs;
    for (const operation of operations) if ('kernel' in operation) work += operation.grid.reduce((a, b) => a * b);
    const key = `${operations.length} ${Math.round(WORK_CLASSES * Math.log2(work))}`;
    if (this.#durationsMs.size > MOST_DURATIONS) this.#durationsMs.clear();
    return { likelyMs: this.#durationsMs.get(key) ?? 0, ended: (ms) => this.#durationsMs.set(key, ms) };
  }

  /** Adds to the command buffer that `encode` leaves the copy of `result` to where the host can read it. */
  #submit(result: Storage, encode: () => GPUCommandEncoder): { readback: GPUBuffer; settled: Promise<void> } {
    const before = this.#memory.bytesHeld;
    const { value: readback, settled } = this.#memory.guard(
      () => this.#memory.bytesHeld - before,
      () => {
        const encoder = encode();
        this.#readback = this.#atLeast(this.#readback, result.bytes, USAGE.MAP_READ | USAGE.COPY_DST);
        encoder.copyBufferToBuffer(result.buffer!.gpu, 0, this.#readback.gpu, 0, result.bytes);
        this.#send(encoder);
        return this.#readback.gpu;
      },
    );
    return { readback, settled };
  }

  #send(encoder: GPUCommandEncoder): void {
    this.#memory.device.queue.submit([encoder.finish()]);
    this.submissions++;
  }

  /** A command buffer for each part, of which the last is still open, and the others are submitted. */
  #encode(parts: readonly (readonly Operation[])[], stamps: Timestamps | undefined): GPUCommandEncoder {
    const uniforms = this.#writeParams(parts.flat().filter((operation) => 'kernel' in operation));
    const pieces = parts.map(inPasses);
    const passes = pieces.flat().filter(isPass);
    let encoder = this.#memory.device.createCommandEncoder();
    let params = 0;
    for (const [index, part] of pieces.entries()) {
      if (index > 0) {
        this.#send(encoder);
        encoder = this.#memory.device.createCommandEncoder();
      }
      for (const piece of part) {
        if (isPass(piece)) {
          const pass = encoder.beginComputePass(stamps?.of(piece === passes[0], piece === passes.at(-1)));
          for (const dispatch of piece) {
            this.#encodeDispatch(pass, dispatch, uniforms, params);
            params += this.#paramsStride;
          }
          pass.end();
        } else {
          const { from, to, fromByte = 0, toByte = 0, bytes } = piece;
          encoder.copyBufferToBuffer(from.buffer!.gpu, fromByte, to.buffer!.gpu, toByte, bytes);
        }
      }
    }
    stamps?.resolve(encoder);
    return encoder;
  }

  /** `params`: where in `uniforms` its own lie. */
  #encodeDispatch(pass: GPUComputePassEncoder, dispatch: Dispatch, uniforms: HeldBuffer, params: number): void {
    const pipeline = this.#pipelines.get(dispatch.kernel);
    const buffers = dispatch.storages.map((storage) => storage.buffer!);
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.#pipelines.bindGroup(pipeline, [...buffers, uniforms]), [params]);
    pass.dispatchWorkgroups(...dispatch.grid);
    this.dispatches++;
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

/** In parts of no more than `most` multiply-adds, but for dispatches that are more by themselves. */
function inParts(operations: readonly Operation[], most: number): readonly (readonly Operation[])[] {
  let part: Operation[] = [];
  const parts = [part];
  let macs = 0;
  for (const operation of operations) {
    const more = macsOf(operation);
    if (macs > 0 && more > 0 && macs + more > most) {
      parts.push((part = []));
      macs = 0;
    }
    part.push(operation);
    macs += more;
  }
  return parts;
}

/** Dispatches that follow each other are a pass. */
function inPasses(operations: readonly Operation[]): readonly (readonly Dispatch[] | Copy)[] {
  const pieces: (Dispatch[] | Copy)[] = [];
  for (const operation of operations) {
    const last = pieces.at(-1);
    if (!('kernel' in operation)) pieces.push(operation);
    else if (Array.isArray(last)) last.push(operation);
    else pieces.push([operation]);
  }
  return pieces;
}

function isPass(piece: readonly Dispatch[] | Copy): piece is readonly Dispatch[] {
  return Array.isArray(piece);
}

const SHORTEST_SLEEP_MS = 3; // Timers are accurate to a millisecond.
const SLEEP_SHARE = 0.75; // A step that has become faster ends at most this much of its old time late, and less each time.
const MOST_DURATIONS = 1000;
const WORK_CLASSES = 4; // For every doubling of the work.

function setScalar(view: DataView, at: number, { type, value }: Scalar): void {
  if (type === 'u32') view.setUint32(at, value, true);
  else view.setFloat32(at, value, true);
}
