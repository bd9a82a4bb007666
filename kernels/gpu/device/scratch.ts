import type { HeldBuffer, Memory } from './memory.ts';

/**
 * Buffers for what steps compute, kept from step to step. A step takes the smallest free one that is large enough, in
 * an order that depends on sizes only, so that steps of the same shape get the same buffers (and bind groups).
 */
export class ScratchPool {
  readonly #all: HeldBuffer[] = []; // ascending by size
  #free: HeldBuffer[] = []; // ascending by size

  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Frees all buffers for the next step. */
  reset(): void {
    this.#free = [...this.#all];
  }

  take(bytes: number): HeldBuffer {
    const index = this.#free.findIndex((buffer) => buffer.bytes >= bytes);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    const buffer = this.#memory.allocate(Math.min(sizeClass(bytes), this.#memory.limits.bufferBytes));
    insert(this.#all, buffer);
    return buffer;
  }

  giveBack(buffer: HeldBuffer): void {
    insert(this.#free, buffer);
  }
}

/** Rounds up to a quarter of a power of two: tensors of nearly the same size share buffers. */
function sizeClass(bytes: number): number {
  const unit = 2 ** Math.max(8, Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / unit) * unit;
}

function insert(list: HeldBuffer[], buffer: HeldBuffer): void {
  const index = list.findIndex(
    (other) => other.bytes > buffer.bytes || (other.bytes === buffer.bytes && other.id > buffer.id),
  );
  list.splice(index < 0 ? list.length : index, 0, buffer);
}
