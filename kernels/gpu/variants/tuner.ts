import type { GpuWeight } from '../device/tensor.ts';
import { choiceKey, productOf } from './choice.ts';
import { type Compared, type TimedDevice, timesOf } from './timing.ts';
import { type TrialDevice, validVariants } from './validity.ts';
import type { Variant } from './variant.ts';

/** What was chosen for products of one shape. */
export interface TunedShape {
  /** As choiceKey() makes it. */
  readonly key: string;
  readonly chosen: string;
  /** Whether it is another than the one that runs where nothing was chosen. */
  readonly isOther: boolean;
  /** Seconds of a product by each variant that is right on this device, the fastest first. */
  readonly times: readonly { readonly variant: string; readonly seconds: number }[];
}

export interface Tuning {
  readonly shapes: readonly TunedShape[];
  /** A sentence about each variant that is not right here. */
  readonly dropped: readonly string[];
  /** Whether all shapes were tuned before it had to end. */
  readonly complete: boolean;
  /** What it took, without what its turns were waited for. */
  readonly seconds: number;
  /** How many of the shapes were timed by the GPU's own clock; the others by the host's. */
  readonly timedByGpu: number;
}

/** Runs a piece of work, of some milliseconds on most devices, once its turn has come. Rejects where it never will. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

export interface TuneOptions {
  /** Starts nothing after so many seconds, without those for which turns were waited for. */
  readonly mostSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onShape?: ((shape: TunedShape) => void) | undefined;
  /** Leaves out the shapes for which there is a choice. */
  readonly onlyMissing?: boolean | undefined;
  /** All work follows at once where absent. */
  readonly turn?: Turn | undefined;
}

/** A device whose variants are tried and timed. */
export type TunedDevice = TrialDevice & TimedDevice;

/** Rows of decoding, of prefill, and of drafts that are checked, in the order of their worth. */
const ROWS = [1, 128, 4] as const;
/** The first variant gives way only to one that takes at most this share of its time. */
const WORTHWHILE = 0.97;

/** Thrown where no time is left. */
class TimeIsUp extends Error {}

/** Times the variants that are right on this device on the model's own weights, and from then on runs the fastest of each shape. */
export async function tune(ops: TunedDevice, weights: readonly GpuWeight[], options: TuneOptions): Promise<Tuning> {
  const clock = new Clock(options);
  const device = inTurns(ops, clock);
  const shapes: TunedShape[] = [];
  const valid = new ValidVariants(device, clock);
  let complete = false;
  let timedByGpu = 0;
  try {
    for (const rows of ROWS) {
      for (const alike of byShape(weights)) {
        const { dtype, shape } = alike[0]!;
        const key = choiceKey(rows, dtype, shape);
        if (options.onlyMissing && ops.variants.isChosen(key)) continue;
        const candidates = await valid.of(rows, alike[0]!);
        const { byTimestamps, ...tuned } = await tuneShape(device, key, { candidates, weights: alike, rows });
        if (byTimestamps) timedByGpu++;
        shapes.push(tuned);
        options.onShape?.(tuned);
      }
    }
    complete = true;
  } catch (error) {
    if (!(error instanceof TimeIsUp || options.signal?.aborted)) throw error;
  }
  return { shapes, dropped: valid.dropped, complete, seconds: clock.seconds, timedByGpu };
}

/** Counts the time that tuning takes, but not how long its turns are waited for. */
class Clock {
  readonly #started = performance.now();
  #waitedMs = 0;

  constructor(readonly options: TuneOptions) {}

  get seconds(): number {
    return (performance.now() - this.#started - this.#waitedMs) / 1000;
  }

  /** Throws where the time is up. */
  check(): void {
    if (this.options.signal?.aborted || this.seconds >= this.options.mostSeconds) throw new TimeIsUp();
  }

  /** Runs `work` in its turn. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    const { turn } = this.options;
    if (!turn) return work();
    const asked = performance.now();
    return turn(() => {
      this.#waitedMs += performance.now() - asked;
      return work();
    });
  }
}

/** `ops`, each of whose steps waits for its turn. */
function inTurns(ops: TunedDevice, clock: Clock): TunedDevice {
  return {
    variants: ops.variants,
    compileFailure: (kernel) => ops.compileFailure(kernel),
    timedStep: (record) => clock.inTurn(() => ops.timedStep(record)),
    input: (data, shape) => ops.input(data, shape),
    embed: (table, ids) => ops.embed(table, ids),
    linear: (x, weight, epilogue) => ops.linear(x, weight, epilogue),
    rmsNorm: (x, weight, eps) => ops.rmsNorm(x, weight, eps),
    lastRows: (x, count) => ops.lastRows(x, count),
    createWeight: (shape, dtype) => ops.createWeight(shape, dtype),
    free: (tensor) => ops.free(tensor),
  };
}

/** The variants that are right, asked once for each product and format. */
class ValidVariants {
  readonly dropped: string[] = [];
  readonly #known = new Map<string, readonly Variant[]>();

  constructor(
    readonly ops: TunedDevice,
    readonly clock: Clock,
  ) {}

  /** The first variant is among them even if it is not right: there must be one, and dropped says so. */
  async of(rows: number, { dtype }: GpuWeight): Promise<readonly Variant[]> {
    const product = productOf(rows);
    const key = `${product} ${dtype}`;
    let known = this.#known.get(key);
    if (known) return known;
    const [first, ...others] = this.ops.variants.candidates(product, dtype);
    const right: Variant[] = [first!];
    for (const variant of others) {
      this.clock.check();
      const { valid, dropped } = await validVariants(this.ops, product, dtype, [variant]);
      right.push(...valid);
      this.dropped.push(...dropped);
    }
    this.#known.set(key, (known = right));
    return known;
  }
}

/** Weights of the same shape and format together, those of most values first. */
function byShape(weights: readonly GpuWeight[]): readonly (readonly GpuWeight[])[] {
  const groups = new Map<string, GpuWeight[]>();
  for (const weight of weights) {
    const key = `${weight.dtype} ${weight.shape}`;
    groups.set(key, [...(groups.get(key) ?? []), weight]);
  }
  const size = (group: readonly GpuWeight[]): number => group.length * group[0]!.shape[0] * group[0]!.shape[1];
  return [...groups.values()].sort((a, b) => size(b) - size(a));
}

async function tuneShape(
  ops: TunedDevice,
  key: string,
  compared: Compared,
): Promise<TunedShape & { byTimestamps: boolean }> {
  const { times, byTimestamps } = await timesOf(ops, compared);
  const [first] = times;
  const fastest = times.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const { variant } = fastest.seconds <= WORTHWHILE * first!.seconds ? fastest : first!;
  ops.variants.choose(key, variant);
  const named = times.map(({ variant, seconds }) => ({ variant: variant.name, seconds }));
  return {
    key,
    chosen: variant.name,
    isOther: variant !== first!.variant,
    times: named.sort((a, b) => a.seconds - b.seconds),
    byTimestamps,
  };
}
