import type { Heap } from './heap.ts';

interface Stretch {
  readonly heap: Heap;
  readonly bytes: number;
  readonly address: number;
  /** Allocations in the heap when the stretch was released. */
  allocations: number;
}

/** The memory that a step holds while it runs. */
export class HeldMemory {
  readonly #stretches: Stretch[] = [];

  /** Throws OutOfMemory. */
  allocate(heap: Heap, bytes: number): number {
    const address = heap.allocate(bytes);
    this.#stretches.push({ heap, bytes, address, allocations: 0 });
    return address;
  }

  release(): void {
    for (const stretch of this.#stretches) stretch.heap.release(stretch.address);
    for (const stretch of this.#stretches) stretch.allocations = stretch.heap.allocations;
  }

  /**
   * Takes what was released once more, with what lies there. Returns false, and holds nothing, where some of it may have
   * been taken meanwhile or would lie elsewhere.
   */
  retake(): boolean {
    if (this.#stretches.some(({ heap, allocations }) => heap.allocations !== allocations)) return false;
    for (const [i, { heap, bytes, address }] of this.#stretches.entries()) {
      const at = heap.allocate(bytes);
      if (at === address) continue;
      heap.release(at);
      for (const taken of this.#stretches.slice(0, i)) taken.heap.release(taken.address);
      return false;
    }
    return true;
  }
}
