import type { GpuMemory } from './sharedMemory.ts';
import { BackendLost, BackendRefused, OutOfMemory } from '../../ops.ts';

/** A buffer, with an identity for caches. */
export interface HeldBuffer {
  /** Unique for the life of the device. */
  readonly id: number;
  readonly bytes: number;
  readonly gpu: GPUBuffer;
}

export interface MemoryLimits extends GpuMemory {
  /** Limit of one buffer that a kernel binds. */
  readonly bufferBytes: number;
}

// The values of GPUBufferUsage and GPUMapMode, which are no globals in Node.
export const USAGE = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 } as const;
export const MAP_MODE_READ = 0x1; // GPUMapMode.READ
const BOUND = USAGE.STORAGE | USAGE.UNIFORM;
const STORAGE = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;

/** Every buffer of a device: counted, kept within what is known to fit, and all destroyed at the end. */
export class Memory {
  /** Set once the device is gone. */
  lost: BackendLost | undefined;
  onLost: ((reason: BackendLost) => void) | undefined;
  readonly #waiting = new Set<(reason: BackendLost) => void>();
  readonly #held = new Set<HeldBuffer>();
  #bytes = 0;
  #nextId = 0;

  readonly #onBoundDestroyed: () => void;

  constructor(
    readonly device: GPUDevice,
    readonly limits: MemoryLimits,
    onBoundDestroyed: () => void,
  ) {
    this.#onBoundDestroyed = onBoundDestroyed;

    void device.lost.then(({ message }) => {
      this.lost = new BackendLost(`The GPU was lost: ${sentence(message || 'the driver gave no reason')}`);
      for (const reject of this.#waiting) reject(this.lost);
      this.onLost?.(this.lost);
    });
  }

  get bytesHeld(): number {
    return this.#bytes;
  }

  get bytesFree(): number {
    const { totalBytes, freeBytes } = this.limits;
    return Math.min(totalBytes - this.#bytes, freeBytes?.() ?? Infinity);
  }

  /** Throws OutOfMemory where `bytes` more are known not to fit. */
  checkFits(bytes: number): void {
    const free = this.limits.freeBytes?.() ?? Infinity;
    if (bytes > free)
      throw new OutOfMemory(
        bytes,
        `${mib(bytes)} more do not fit: this GPU uses the system's memory, of which ${mib(free)} are free.`,
      );
    if (this.#bytes + bytes > this.limits.totalBytes)
      throw new OutOfMemory(
        bytes,
        `${mib(bytes)} more do not fit into the ${mib(this.limits.totalBytes)} that the GPU can use.`,
      );
  }

  /** Call it inside guard(): an allocation that fails is reported there. */
  allocate(bytes: number, usage: number = STORAGE): HeldBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    if (size > this.limits.bufferBytes)
      throw new OutOfMemory(
        size,
        `A buffer of ${mib(size)} is larger than the ${mib(this.limits.bufferBytes)} this GPU allows.`,
      );
    this.checkFits(size);
    const buffer = { id: this.#nextId++, bytes: size, gpu: this.device.createBuffer({ size, usage }) };
    this.#held.add(buffer);
    this.#bytes += size;
    return buffer;
  }

  destroy(buffer: HeldBuffer): void {
    if (!this.#held.delete(buffer)) return;
    this.#bytes -= buffer.bytes;
    buffer.gpu.destroy();
    if (buffer.gpu.usage & BOUND) this.#onBoundDestroyed();
  }

  destroyAll(): void {
    for (const buffer of this.#held) this.destroy(buffer);
  }

  /**
   * Calls `work` within error scopes. `settled` resolves once the device has reported no error for it, and rejects with
   * OutOfMemory (of `bytes`), with BackendLost, or with BackendRefused for a mistake of ours or the driver's. What `work`
   * throws is thrown at once.
   */
  guard<T>(bytes: () => number, work: () => T): { value: T; settled: Promise<void> } {
    for (const filter of SCOPES) this.device.pushErrorScope(filter);
    let popped: Promise<(GPUError | null)[]>;
    let value: T;
    try {
      value = work();
    } finally {
      popped = this.orLost(Promise.all(SCOPES.map(() => this.device.popErrorScope())));
      popped.catch(() => {}); // Nobody waits for it where `work` threw.
    }
    return { value, settled: popped.then((errors) => throwFirst(errors, bytes())) };
  }

  /** Settles as `promise` does, but rejects with BackendLost once the device is gone. (Promise.race would leak reactions.) */
  orLost<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      this.#waiting.add(reject);
      const forget = (): boolean => this.#waiting.delete(reject);
      promise.then(
        (value) => (forget(), resolve(value)),
        (error: unknown) => (forget(), reject(this.lost ?? error)),
      );
    });
  }
}

/** The innermost, popped first, is the last. */
const SCOPES = ['validation', 'internal', 'out-of-memory'] as const;

function throwFirst([outOfMemory, ...others]: readonly (GPUError | null)[], bytes: number): void {
  if (outOfMemory) throw new OutOfMemory(bytes, `The GPU has no room for ${mib(bytes)} more.`);
  const error = others.find((other) => other !== null);
  if (error) throw new BackendRefused(`The GPU refused a command: ${sentence(error.message)}`);
}

/** The first line of a message of Dawn's. */
export function sentence(message: string): string {
  return `${message.split('\n')[0]!.replace(/\.$/, '')}.`;
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
