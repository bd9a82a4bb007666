import { BY_EVERY_THREAD } from '../../opcodes.ts';
import type { Program } from '../program.ts';
import type { Storage } from '../tensor.ts';

/** The state of a step while it is recorded. */
export interface Recording {
  readonly program: Program;
  readonly threads: number;
  /** Quantised activations that a later product of the same step uses again, by what holds the activations. */
  readonly quantised: Map<Storage, QuantisedForm[]>;
}

/** The rows of a tensor at `offset` in one of the layouts that products take. */
export interface QuantisedForm {
  readonly layout: string;
  readonly offset: number;
  readonly rows: number;
  readonly made: Storage;
}

/** So many values take a thread about as long as to meet the others. */
const FEW_VALUES = 4096;

/** The grain of a cheap operation on so many values: of a few values, every thread computes all. */
export function cheapGrain(values: number, items: number, threads: number, least: number): number {
  return values <= FEW_VALUES ? BY_EVERY_THREAD : share(items, threads, least);
}

/** Items that a thread takes at once, so that each comes about four times; at least `least`. */
export function share(items: number, threads: number, least: number): number {
  return Math.max(least, Math.ceil(items / (4 * threads)));
}
