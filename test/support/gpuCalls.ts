/** Watches what this process asks of GPU devices, and destroys a device in the middle of it. */
import { loadDawn } from '../../kernels/gpu/device/dawn.ts';

/** Methods at which a device may be destroyed: those that allocate, compile, compute and read. */
const WATCHED = {
  GPUDevice: ['createBuffer', 'createComputePipeline', 'popErrorScope'],
  GPUQueue: ['writeBuffer', 'submit'],
  GPUBuffer: ['mapAsync'],
} as const;

type Method = (this: object, ...args: unknown[]) => unknown;

/** Between `start` and `stop` every device of this process is watched. */
export class GpuCalls {
  /** Watched calls so far. */
  count = 0;
  devices = 0;
  /** For each device that is opened next: behind how many watched calls it is destroyed. */
  destroyAfter: number[] = [];
  /** Adapters are no longer found. */
  noAdapter = false;
  /** The shader with this label does not compile. */
  brokenShader = '';
  /** The next buffers that are created find no memory; each for itself. */
  failingBuffers = 0;
  readonly #buffers = new Set<object>();
  #full = false;
  #callsLeft = Infinity;
  #device: GPUDevice | undefined;
  readonly #undo: (() => void)[] = [];

  /** Buffers that were created and not destroyed. */
  get buffers(): number {
    return this.#buffers.size;
  }

  start(): void {
    for (const [owner, methods] of Object.entries(WATCHED))
      for (const method of methods) this.#wrap(owner, method, (call) => this.#counted(call));
    this.#wrap('GPUAdapter', 'requestDevice', async (call) => {
      this.#device = (await call()) as GPUDevice;
      this.#callsLeft = this.destroyAfter.shift() ?? Infinity;
      this.devices++;
      return this.#device;
    });
    this.#wrap('GPU', 'requestAdapter', (call) => (this.noAdapter ? Promise.resolve(null) : call()));
    this.#wrap('GPUDevice', 'createBuffer', (call) => {
      const buffer = call() as object;
      this.#buffers.add(buffer);
      if (this.failingBuffers > 0) this.#full = true;
      return buffer;
    });
    this.#wrap('GPUDevice', 'createShaderModule', (call, _, [descriptor]) => {
      const { label = '' } = descriptor as GPUShaderModuleDescriptor;
      return label === this.brokenShader ? call({ label, code: 'fn broken() { return missing; }' }) : call();
    });
    // The scope for memory is popped first.
    this.#wrap('GPUDevice', 'popErrorScope', (call) => {
      const popped = call();
      if (!this.#full) return popped;
      this.#full = false;
      this.failingBuffers--;
      return Promise.resolve({ message: 'out of memory' });
    });
    this.#wrap('GPUBuffer', 'destroy', (call, self) => (this.#buffers.delete(self), call()));
  }

  stop(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  #counted(call: () => unknown): unknown {
    this.count++;
    const result = call();
    if (--this.#callsLeft === 0) this.#device?.destroy();
    return result;
  }

  #wrap(
    owner: string,
    method: string,
    around: (call: (...changed: unknown[]) => unknown, self: object, args: unknown[]) => unknown,
  ): void {
    const prototype = loadDawn().globals[owner]!.prototype as Record<string, Method>;
    const original = prototype[method]!;
    prototype[method] = function (...args) {
      return around((...changed) => original.apply(this, changed.length > 0 ? changed : args), this, args);
    };
    this.#undo.push(() => (prototype[method] = original));
  }
}
