import { recordData } from './recordData.ts';
import type { Recording } from './recording.ts';
import type { Storage } from '../tensor.ts';

/** Records an operation, or nothing but what it returns. It depends on its arguments alone. */
export type Recorder<Args extends readonly unknown[], Made> = (recording: Recording, ...args: Args) => Made;

/** An operation of a step: who recorded it, from what, and what was made. */
export interface Call {
  readonly recorder: Recorder<never, unknown>;
  readonly args: readonly unknown[];
  readonly made: unknown;
}

/**
 * A step while its operations are called. What they depend on are arguments of `perform`. Only data goes through
 * `write`: that is what may differ where a step is replayed.
 */
export abstract class Step {
  abstract perform<Args extends readonly unknown[], Made>(recorder: Recorder<Args, Made>, ...args: Args): Made;

  /** Scratch to which the host writes these values before the step runs; in a certain bank where one is given. */
  write(values: Int32Array | Float32Array, bank?: number): Storage {
    const storage = this.perform(recordData, values.length, values instanceof Int32Array, bank);
    storage.initial = values;
    return storage;
  }
}

/** Records the operations, and keeps the calls. */
export class RecordedStep extends Step {
  readonly calls: Call[] = [];

  readonly #recording: Recording;

  constructor(recording: Recording) {
    super();
    this.#recording = recording;
  }

  perform<Args extends readonly unknown[], Made>(recorder: Recorder<Args, Made>, ...args: Args): Made {
    const made = recorder(this.#recording, ...args);
    this.calls.push({ recorder, args, made });
    return made;
  }
}

/** Thrown where a step calls for something else than the step before. */
export class Diverged extends Error {
  override name = 'Diverged';
}
const diverged = new Diverged('The step differs from the one before.');

/**
 * Compares the operations with those of a step that was recorded, and returns what was made then. Nothing but the data
 * differs where every call was equal, so that the program of that step is this one's, too.
 */
export class ReplayedStep extends Step {
  #next = 0;

  readonly #calls: readonly Call[];

  constructor(calls: readonly Call[]) {
    super();
    this.#calls = calls;
  }

  get isComplete(): boolean {
    return this.#next === this.#calls.length;
  }

  perform<Args extends readonly unknown[], Made>(recorder: Recorder<Args, Made>, ...args: Args): Made {
    const call = this.#calls[this.#next++];
    if (call?.recorder !== recorder || !allEqual(args, call.args)) throw diverged;
    return call.made as Made;
  }
}

function allEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false;
  return true;
}

/** Tensors and storages are equal only to themselves; lists and options where all that they hold is equal. */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  let left = 0;
  for (const key in b) if (b[key] !== undefined) left++;
  for (const key in a) {
    if (a[key] === undefined) continue;
    if (!equal(a[key], b[key])) return false;
    left--;
  }
  return left === 0;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !('storage' in value) && !('address' in value);
}
