import { type Kernel, PARAMS_BYTES, Pipelines, grid } from '../device/kernel.ts';
import { type HeldBuffer, MAP_MODE_READ, Memory, USAGE } from '../device/memory.ts';
import { Timestamps, secondsBetween } from '../device/timestamps.ts';

/** What the host reads of a result. */
const READ_BYTES = 1024;

/** A dispatch of `groups` workgroups, `times` times in a row, with one u32 as its parameter. */
export interface Trial {
  readonly kernel: Kernel;
  readonly from: HeldBuffer;
  readonly to: HeldBuffer;
  readonly parameter: number;
  readonly groups: number;
  readonly times: number;
}

/** Runs dispatches by themselves and times them: by the GPU's timestamps, or by the clock where it has none. */
export class Probe {
  readonly memory: Memory;
  readonly #pipelines: Pipelines;
  readonly #uniforms: HeldBuffer;
  readonly #readback: HeldBuffer;
  readonly #stamps: Timestamps | undefined;

  constructor(
    readonly device: GPUDevice,
    bufferBytes: number,
  ) {
    this.#pipelines = new Pipelines(device);
    this.memory = new Memory(device, { totalBytes: Infinity, bufferBytes }, () => this.#pipelines.forgetBindGroups());
    this.#uniforms = this.memory.allocate(PARAMS_BYTES, USAGE.UNIFORM | USAGE.COPY_DST);
    this.#readback = this.memory.allocate(READ_BYTES, USAGE.MAP_READ | USAGE.COPY_DST);
    this.#stamps = Timestamps.of(this.memory);
  }

  get hasTimestamps(): boolean {
    return this.#stamps !== undefined;
  }

  /**
   * The seconds that a trial takes on the GPU, and those until the host has read a result of it. Without plausible
   * timestamps both are the same. Rejects with OutOfMemory, BackendLost, or an Error where the kernel does not compile.
   */
  async run({ kernel, from, to, parameter, groups, times }: Trial): Promise<{ seconds: number; hostSeconds: number }> {
    const { device } = this;
    const started = performance.now();
    device.queue.writeBuffer(this.#uniforms.gpu, 0, new Uint32Array([parameter]));
    const bytes = await this.#read(this.#stamps?.resolved ?? to, Timestamps.BYTES, (encoder) => {
      const pipeline = this.#pipelines.get(kernel);
      const pass = encoder.beginComputePass(this.#stamps?.of(true, true));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#pipelines.bindGroup(pipeline, [from, to, this.#uniforms]), [0]);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(...grid(groups));
      pass.end();
      this.#stamps?.resolve(encoder);
    });
    const hostSeconds = (performance.now() - started) / 1000;
    const seconds = this.#stamps && secondsBetween(bytes, hostSeconds);
    return { seconds: seconds ?? hostSeconds, hostSeconds };
  }

  /** The first READ_BYTES of a buffer. Rejects as `run` does. */
  read(from: HeldBuffer): Promise<ArrayBuffer> {
    return this.#read(from, READ_BYTES, () => {});
  }

  async #read(from: HeldBuffer, bytes: number, encode: (encoder: GPUCommandEncoder) => void): Promise<ArrayBuffer> {
    const { gpu } = this.#readback;
    const { settled } = this.memory.guard(
      () => 0,
      () => {
        const encoder = this.device.createCommandEncoder();
        encode(encoder);
        encoder.copyBufferToBuffer(from.gpu, 0, gpu, 0, bytes);
        this.device.queue.submit([encoder.finish()]);
      },
    );
    await settled;
    await this.memory.orLost(gpu.mapAsync(MAP_MODE_READ));
    const content = gpu.getMappedRange(0, bytes).slice(0);
    gpu.unmap();
    return content;
  }

  dispose(): void {
    this.memory.destroyAll();
    this.#stamps?.destroy();
    this.device.destroy();
  }
}
