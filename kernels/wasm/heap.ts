import os from 'node:os';
import { OutOfMemory } from '../ops.ts';
import { FreeList } from './freeList.ts';
import { HEAP_START } from './opcodes.ts';

const PAGE = 65536;
/** What 32-bit addresses reach. */
const ADDRESS_SPACE = 65536 * PAGE;

/** The one shared memory of a backend: weights, KV pages and the scratch of the running step lie in it. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  private readonly places = new FreeList(HEAP_START);
  private readonly limit: number;
  private views: Views | undefined;

  /** `maxBytes` lowers the limit of 4 GiB. */
  constructor(maxBytes = ADDRESS_SPACE) {
    this.limit = Math.min(ADDRESS_SPACE, Math.max(2 * PAGE, Math.floor(maxBytes / PAGE) * PAGE));
    this.memory = new WebAssembly.Memory({ initial: 2, maximum: this.limit / PAGE, shared: true });
  }

  get bytesHeld(): number {
    return this.places.held;
  }

  /** The address of `bytes` bytes, not cleared. Throws OutOfMemory; then nothing changed. */
  allocate(bytes: number): number {
    const at = this.places.allocate(bytes);
    try {
      this.reach(this.places.end, bytes);
    } catch (error) {
      this.places.release(at);
      throw error;
    }
    return at;
  }

  release(at: number): void {
    this.places.release(at);
  }

  /** Views of the whole memory as it is now; not to be kept across an allocation. */
  get view(): Views {
    if (this.views?.u8.byteLength !== this.memory.buffer.byteLength) {
      const { buffer } = this.memory;
      this.views = {
        u8: new Uint8Array(buffer),
        u16: new Uint16Array(buffer),
        i32: new Int32Array(buffer),
        u32: new Uint32Array(buffer),
        f32: new Float32Array(buffer),
      };
    }
    return this.views!;
  }

  private reach(end: number, bytes: number): void {
    const size = this.memory.buffer.byteLength;
    if (end <= size) return;
    const inUse = this.places.held - bytes;
    if (end > this.limit) {
      throw new OutOfMemory(
        bytes,
        `Not enough memory: ${gigabytes(bytes)} are needed beside ${gigabytes(inUse)} in use, and the WASM backend may use ${gigabytes(this.limit)} in all.`,
      );
    }
    const free = freeMemory();
    if (end - size > free) {
      throw new OutOfMemory(
        bytes,
        `Not enough memory: ${gigabytes(bytes)} are needed and this machine has ${gigabytes(free)} free.`,
      );
    }
    try {
      this.memory.grow(Math.ceil((end - size) / PAGE));
    } catch {
      throw new OutOfMemory(bytes, `Not enough memory: the system refused ${gigabytes(bytes)} to the WASM backend.`);
    }
  }
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
