import type { GpuWeight } from '../device/tensor.ts';
import { choiceKey, productOf, verdictKey } from './choice.ts';
import { type Compared, type TimedDevice, timesOf } from './timing.ts';
import { type TrialDevice, faultOf } from './validity.ts';
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
  /** Of the variants that were tried for it: a sentence about why one is not right, '' where it is, by verdictKey(). */
  readonly verdicts: Readonly<Record<string, string>>;
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
  const device = inTurns(ops, (work) => clock.inTurn(work));
  const shapes: TunedShape[] = [];
  // A trial that has begun is ended, or a slow compiler would never come further than to the same one.
  const valid = new ValidVariants(
    inTurns(ops, (work) => clock.whenever(work)),
    () => clock.check(),
  );
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
  return { shapes, verdicts: Object.fromEntries(valid.verdicts), complete, seconds: clock.seconds, timedByGpu };
}

/** The sentences about variants that are not right. */
export function dropped({ verdicts }: Pick<Tuning, 'verdicts'>): string[] {
  return Object.values(verdicts).filter((verdict) => verdict !== '');
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

  /** Runs `work` in its turn, as long as there is time. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    return this.whenever(work);
  }

  /** Runs `work` in its turn. */
  async whenever<T>(work: () => Promise<T>): Promise<T> {
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
function inTurns(ops: TunedDevice, turn: Turn): TunedDevice {
  return {
    variants: ops.variants,
    compileFailure: (kernel) => ops.compileFailure(kernel),
    timedStep: (record) => turn(() => ops.timedStep(record)),
    input: (data, shape) => ops.input(data, shape),
    embed: (table, ids) => ops.embed(table, ids),
    linear: (x, weight, epilogue) => ops.linear(x, weight, epilogue),
    rmsNorm: (x, weight, eps) => ops.rmsNorm(x, weight, eps),
    lastRows: (x, count) => ops.lastRows(x, count),
    createWeight: (shape, dtype) => ops.createWeight(shape, dtype),
    free: (tensor) => ops.free(tensor),
  };
}

/** The variants that are right, each tried once on a device. */
class ValidVariants {
  /** Those of this run. */
  readonly verdicts = new Map<string, string>();

  constructor(
    readonly ops: TunedDevice,
    /** Throws where no further trial may begin. */
    readonly check: () => void,
  ) {}

  /** The first variant is among them untried, since there must be one. */
  async of(rows: number, { dtype }: GpuWeight): Promise<readonly Variant[]> {
    const product = productOf(rows);
    const { variants } = this.ops;
    const [first, ...others] = variants.candidates(product, dtype);
    const right: Variant[] = [first!];
    for (const variant of others) {
      const key = verdictKey(product, dtype, variant);
      let verdict = variants.verdicts.get(key);
      if (verdict === undefined) {
        this.check();
        verdict = (await faultOf(this.ops, product, variant, dtype)) ?? '';
        for (const known of [variants.verdicts, this.verdicts]) known.set(key, verdict);
      }
      if (verdict === '') right.push(variant);
    }
    return right;
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
