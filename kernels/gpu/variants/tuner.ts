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
  /** Seconds of a product by each variant that is right on this device, the fastest first. */
  readonly times: readonly { readonly variant: string; readonly seconds: number }[];
}

export interface Tuning {
  readonly shapes: readonly TunedShape[];
  /** A sentence about each variant that is not right here. */
  readonly dropped: readonly string[];
  /** Whether all shapes were tuned before it had to end. */
  readonly complete: boolean;
}

export interface TuneOptions {
  /** Starts nothing after so many seconds. */
  readonly mostSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onShape?: ((shape: TunedShape) => void) | undefined;
}

/** A device whose products are timed. */
export type TunedDevice = TrialDevice & Pick<Ops, 'upload' | 'lastRows'>;

/** Rows of decoding, of prefill, and of drafts that are checked, in the order of their worth. */
const ROWS = [1, 128, 4] as const;
/** A run takes at least so long, well above what the host's clock and a round trip blur. */
const RUN_MS = 8;
/** Of so many runs the shortest counts, since others may use the GPU, too. */
const RUNS = 3;
const MOST_PRODUCTS = 4096;
/** The first variant gives way only to one that takes at most this share of its time. */
const WORTHWHILE = 0.97;

/** Thrown where no time is left. */
class TimeIsUp extends Error {}

/** Times the variants that are right on this device on the model's own weights, and from then on runs the fastest of each shape. */
export async function tune(ops: TunedDevice, weights: readonly GpuWeight[], options: TuneOptions): Promise<Tuning> {
  const end = performance.now() + 1000 * options.mostSeconds;
  const checkTime = (): void => {
    if (options.signal?.aborted || performance.now() >= end) throw new TimeIsUp();
  };
  const shapes: TunedShape[] = [];
  const valid = new ValidVariants(ops, checkTime);
  try {
    for (const rows of ROWS) {
      for (const alike of byShape(weights)) {
        const { dtype, shape } = alike[0]!;
        const candidates = await valid.of(rows, alike[0]!);
        const times = await timesOf(ops, candidates, alike, rows, checkTime);
        const key = choiceKey(rows, dtype, shape);
        const chosen = chosenOf(times);
        ops.variants.choose(key, chosen.variant);
        const named = times.map(({ variant, seconds }) => ({ variant: variant.name, seconds }));
        const tuned = { key, chosen: chosen.variant.name, times: named.sort((a, b) => a.seconds - b.seconds) };
        shapes.push(tuned);
        options.onShape?.(tuned);
      }
    }
    return { shapes, dropped: valid.dropped, complete: true };
  } catch (error) {
    if (!(error instanceof TimeIsUp)) throw error;
    return { shapes, dropped: valid.dropped, complete: false };
  }
}

interface Time {
  readonly variant: Variant;
  readonly seconds: number;
}

/** The fastest, or the first where that is hardly slower. */
function chosenOf(times: readonly Time[]): Time {
  const fastest = times.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  return fastest.seconds <= WORTHWHILE * times[0]!.seconds ? fastest : times[0]!;
}

/** The variants that are right, asked once for each product and format. */
class ValidVariants {
  readonly dropped: string[] = [];
  readonly #known = new Map<string, readonly Variant[]>();

  constructor(
    readonly ops: TunedDevice,
    readonly checkTime: () => void,
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
      this.checkTime();
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

/** What a product takes by each variant. All weights take turns, as in a model, so that caches do not hold one of them. */
async function timesOf(
  ops: TunedDevice,
  candidates: readonly Variant[],
  weights: readonly GpuWeight[],
  rows: number,
  checkTime: () => void,
): Promise<Time[]> {
  const width = weights[0]!.shape[1];
  const x = ops.upload(
    Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i)),
    [rows, width],
  );
  const run = async (variant: Variant, products: number): Promise<number> => {
    checkTime();
    const started = performance.now();
    await ops.variants.trying(variant, () => ops.step(() => productsOf(ops, x, weights, products)));
    return performance.now() - started;
  };
  try {
    let products = 1;
    for (;;) {
      await run(candidates[0]!, products); // Compiles and fills scratch.
      const ms = await run(candidates[0]!, products);
      if (ms >= RUN_MS || products === MOST_PRODUCTS) break;
      products = Math.min(MOST_PRODUCTS, Math.ceil(products * Math.min(16, Math.max(2, (1.5 * RUN_MS) / ms))));
    }
    const times: Time[] = [];
    for (const variant of candidates) {
      await run(variant, products);
      const ms: number[] = [];
      for (let i = 0; i < RUNS; i++) ms.push(await run(variant, products));
      times.push({ variant, seconds: Math.min(...ms) / 1000 / products });
    }
    return times;
  } finally {
    ops.free(x);
  }
}

/** So many products, each of which adds the one before it, because a step leaves out what nothing needs. */
export function productsOf(
  ops: Pick<Ops, 'linear' | 'lastRows'>,
  x: Tensor,
  weights: readonly Tensor[],
  products: number,
): Tensor {
  let y = ops.linear(x, weights[0]!);
  for (let i = 1; i < products; i++) y = ops.linear(x, weights[i % weights.length]!, { residual: y });
  return ops.lastRows(y, 1);
}
