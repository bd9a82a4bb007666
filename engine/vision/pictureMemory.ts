import { type KernelExports, instantiate } from '../../kernels/wasm/host/kernels.ts';
import { HEAP_START } from '../../kernels/wasm/opcodes.ts';

const PAGE = 65536;

/** The WASM kernels, and memory for one picture at a time. */
export class PictureMemory {
  readonly kernels: KernelExports;
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  #end = HEAP_START;

  /** `module`: any variant of the WASM kernels. */
  constructor(module: WebAssembly.Module) {
    this.kernels = instantiate(module, this.#memory);
  }

  /** Makes room for the next picture. */
  clear(): void {
    this.#end = HEAP_START;
  }

  /** Bytes of arbitrary content, whose address is their `byteOffset`. Throws a RangeError where there is no memory. */
  take(bytes: number): Uint8Array {
    const at = this.#end;
    this.#end = Math.ceil((at + bytes) / 16) * 16;
    // Vectors are read a few bytes beyond the end.
    const missing = Math.ceil((this.#end + 16 - this.#memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#memory.grow(missing);
    return new Uint8Array(this.#memory.buffer, at, bytes);
  }

  /** A copy of the values; returns its address. */
  put({ buffer, byteOffset, byteLength }: Int32Array | Float32Array | Float64Array): number {
    const bytes = this.take(byteLength);
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
    return bytes.byteOffset;
  }
}
