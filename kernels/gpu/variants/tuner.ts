import type { Ops, Tensor } from '../../ops.ts';
import type { GpuWeight } from '../device/tensor.ts';
import { choiceKey, productOf } from './choice.ts';
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

/** A device whose products are timed. */
export type TunedDevice = TrialDevice & Pick<Ops, 'rmsNorm' | 'lastRows'>;

/** Rows of decoding, of prefill, and of drafts that are checked, in the order of their worth. */
const ROWS = [1, 128, 4] as const;
/** A run takes at least so long, well above what the host's clock and a round trip blur. */
const RUN_MS = 8;
/** Of so many runs the shortest counts, since others may use the GPU, too. */
const RUNS = 3;
/** A variant whose first run takes so many times as long as the fastest is not run again. */
const HOPELESS = 1.5;
/** A variant is first tried with this share of a run's products, since it may be far slower than the first. */
const FIRST_SHARE = 1 / 8;
const MOST_PRODUCTS = 1024;
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
  try {
    for (const rows of ROWS) {
      for (const alike of byShape(weights)) {
        const { dtype, shape } = alike[0]!;
        const key = choiceKey(rows, dtype, shape);
        if (options.onlyMissing && ops.variants.isChosen(key)) continue;
        const candidates = await valid.of(rows, alike[0]!);
        const tuned = await tuneShape(device, key, { candidates, weights: alike, rows });
        shapes.push(tuned);
        options.onShape?.(tuned);
      }
    }
    complete = true;
  } catch (error) {
    if (!(error instanceof TimeIsUp || options.signal?.aborted)) throw error;
  }
  return { shapes, dropped: valid.dropped, complete, seconds: clock.seconds };
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

/** Products of one shape, and the variants that may compute them. */
interface Compared {
  readonly candidates: readonly Variant[];
  readonly weights: readonly GpuWeight[];
  readonly rows: number;
}

interface Time {
  readonly variant: Variant;
  readonly seconds: number;
}

async function tuneShape(ops: TunedDevice, key: string, compared: Compared): Promise<TunedShape> {
  const times = await timesOf(ops, compared);
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
  };
}

/** What a product takes by each variant. All weights take turns, as in a model, so that caches do not hold one of them. */
async function timesOf(ops: TunedDevice, { candidates, weights, rows }: Compared): Promise<Time[]> {
  /** The seconds of a product in a run of so many. */
  const run = async (variant: Variant, products: number): Promise<number> => {
    const { seconds } = await ops.timedStep(() =>
      ops.variants.trying(variant, () => productsOf(ops, weights, rows, products)),
    );
    return seconds / products;
  };
  let products = 1;
  for (;;) {
    await run(candidates[0]!, products); // Compiles and fills scratch.
    const ms = 1000 * products * (await run(candidates[0]!, products));
    if (ms >= RUN_MS || products === MOST_PRODUCTS) break;
    products = Math.min(MOST_PRODUCTS, Math.ceil(products * Math.min(16, Math.max(2, (1.5 * RUN_MS) / ms))));
  }
  const times: Time[] = [];
  let best = Infinity;
  for (const variant of candidates) {
    const few = Math.ceil(products * FIRST_SHARE);
    await run(variant, few); // Fills caches.
    let seconds = await run(variant, few);
    if (seconds * few * 1000 < 2 * RUN_MS && few < products) seconds = await run(variant, products);
    for (let i = 1; i < RUNS && seconds < HOPELESS * best; i++) {
      seconds = Math.min(seconds, await run(variant, products));
    }
    times.push({ variant, seconds });
    best = Math.min(best, seconds);
  }
  return times;
}

/**
 * Each product adds the result of the one before it, or nothing would need that and it would not be computed. Before those
 * of few rows stands a norm, as in a model, since the first variant computes it for nothing (joined/).
 */
function productsOf(ops: TunedDevice, weights: readonly GpuWeight[], rows: number, products: number): Tensor {
  const [outs, width] = weights[0]!.shape;
  const x = ops.embed(
    weights[0]!,
    Array.from({ length: rows }, (_, i) => i % outs),
  );
  const ones = ops.input(new Float32Array(width).fill(1), [width]);
  const isDecode = productOf(rows) === 'matvec';
  let residual: Tensor | undefined;
  for (let i = 0; i < products; i++) {
    const input = isDecode ? ops.rmsNorm(x, ones, 1e-5) : x;
    residual = ops.linear(input, weights[i % weights.length]!, residual && { residual });
  }
  return ops.lastRows(residual!, 1);
}
