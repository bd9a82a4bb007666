import os from 'node:os';
import { OutOfMemory } from '../../ops.ts';
import { FreeList } from './freeList.ts';
import { HEAP_START } from '../opcodes.ts';

const PAGE = 65536;
const LEAST_BYTES = 2 * PAGE;
/** Bytes that 32-bit addresses reach. */
export const ADDRESS_SPACE = 65536 * PAGE;

/** Bytes that all memories of a backend may take together, and have taken. */
export interface Budget {
  readonly limit: number;
  taken: number;
}

/** One shared memory: weights, KV pages and the scratch of the running step lie in it. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly limit: number;
  /** How often memory was taken. While the number stays, what was released last holds what it held. */
  allocations = 0;
  readonly #places = new FreeList(HEAP_START);
  #views: Views | undefined;

  /** `maxBytes` lowers the limit of 4 GiB of this memory, `budget` counts it among its neighbours. */
  readonly #budget: Budget;

  constructor(maxBytes: number, budget: Budget) {
    this.#budget = budget;

    this.limit = Math.min(ADDRESS_SPACE, Math.max(LEAST_BYTES, Math.floor(maxBytes / PAGE) * PAGE));
    try {
      this.memory = new WebAssembly.Memory({ initial: LEAST_BYTES / PAGE, maximum: this.limit / PAGE, shared: true });
    } catch {
      throw refused(this.limit, 'as addresses of one more memory, and the system refused them');
    }
    budget.taken += LEAST_BYTES;
  }

  get bytesHeld(): number {
    return this.#places.held;
  }

  /** The address of `bytes` bytes, not cleared. Throws OutOfMemory; then nothing changed. */
  allocate(bytes: number): number {
    this.allocations++;
    const at = this.#places.allocate(bytes);
    try {
      this.#reach(this.#places.end, bytes);
    } catch (error) {
      this.#places.release(at);
      throw error;
    }
    return at;
  }

  release(at: number): void {
    this.#places.release(at);
  }

  /** Views of the whole memory as it is now; not to be kept across an allocation. */
  get view(): Views {
    if (this.#views?.u8.byteLength !== this.memory.buffer.byteLength) {
      const { buffer } = this.memory;
      this.#views = {
        u8: new Uint8Array(buffer),
        u16: new Uint16Array(buffer),
        i32: new Int32Array(buffer),
        u32: new Uint32Array(buffer),
        f32: new Float32Array(buffer),
      };
    }
    return this.#views!;
  }

  #reach(end: number, bytes: number): void {
    const size = this.memory.buffer.byteLength;
    if (end <= size) return;
    const more = Math.ceil((end - size) / PAGE) * PAGE;
    const held = this.#places.held - bytes;
    if (size + more > this.limit) throw tooMuch(bytes, held, 'one memory of the WASM backend holds', this.limit);
    const { taken, limit } = this.#budget;
    if (taken + more > limit) throw tooMuch(bytes, taken, 'the WASM backend may use', limit);
    const free = freeMemory();
    if (more > free) throw refused(bytes, `and this machine has ${gigabytes(free)} free`);
    try {
      this.memory.grow(more / PAGE);
    } catch {
      throw refused(bytes, 'and the system refused them');
    }
    this.#budget.taken += more;
  }
}

function tooMuch(bytes: number, inUse: number, who: string, limit: number): OutOfMemory {
  return refused(bytes, `beside ${gigabytes(inUse)} in use, and ${who} ${gigabytes(limit)} in all`);
}

function refused(bytes: number, why: string): OutOfMemory {
  return new OutOfMemory(bytes, `Not enough memory: ${gigabytes(bytes)} are needed ${why}.`);
}

export interface Views {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
}

/** Bytes this process may still take; knows the limits of a container where Node does. */
export function freeMemory(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory ? availableMemory.call(process) : os.freemem();
}

export function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${Math.ceil(bytes / 1e5) / 10} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
