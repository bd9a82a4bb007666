import { type HeldBuffer, type Memory, USAGE } from './memory.ts';

const QUERY_RESOLVE = 0x200; // GPUBufferUsage.QUERY_RESOLVE, which is no global in Node.

/** When the work on a GPU begins and ends, by its own clock. */
export class Timestamps {
  static readonly BYTES = 16;
  /** Holds the two stamps once commands with resolve() in them have run. */
  readonly resolved: HeldBuffer;
  readonly #queries: GPUQuerySet;

  /** Undefined where the device has no timestamps. */
  static of(memory: Memory): Timestamps | undefined {
    return memory.device.features.has('timestamp-query') ? new Timestamps(memory) : undefined;
  }

  private constructor(memory: Memory) {
    this.#queries = memory.device.createQuerySet({ type: 'timestamp', count: 2 });
    this.resolved = memory.allocate(Timestamps.BYTES, QUERY_RESOLVE | USAGE.COPY_SRC);
  }

  /** What a pass is begun with that is the first or the last of those that are timed, or both. */
  of(isFirst: boolean, isLast: boolean): GPUComputePassDescriptor | undefined {
    if (!isFirst && !isLast) return undefined;
    return {
      timestampWrites: {
        querySet: this.#queries,
        ...(isFirst && { beginningOfPassWriteIndex: 0 }),
        ...(isLast && { endOfPassWriteIndex: 1 }),
      },
    };
  }

  /** Call it behind the last pass. */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#queries, 0, 2, this.resolved.gpu, 0);
  }

  destroy(): void {
    this.#queries.destroy();
  }
}

/** The seconds between the two stamps in `bytes`; undefined where that cannot be, since all took `hostSeconds`. */
export function secondsBetween(bytes: ArrayBufferLike, hostSeconds: number): number | undefined {
  const [begin, end] = new BigUint64Array(bytes, 0, 2);
  const seconds = Number(end! - begin!) / 1e9;
  return seconds > 0 && seconds <= hostSeconds ? seconds : undefined;
}
