import type { Ops, Tensor, WeightDType } from '../../ops.ts';
import type { GpuWeight } from '../device/tensor.ts';
import { choiceKey, productOf, verdictKey } from './choice.ts';
import { AttentionChain, type ChainDevice } from '../attention/chain.ts';
import { type AttentionKind, attentionKey } from '../attention/choice.ts';
import { type AttentionTrialDevice, attentionFaultOf } from '../attention/validity.ts';
import type { AttentionVariants, Phase } from '../attention/variants.ts';
import { type Times, chainOf, timesOf } from './timing.ts';
import { type TrialDevice, faultOf } from './validity.ts';
import type { Variant } from './variant.ts';

/** What was chosen for products of one shape, or for attention of one kind. */
export interface TunedShape {
  /** As choiceKey() or attentionKey() makes it. */
  readonly key: string;
  readonly chosen: string;
  /** Whether it is another than the one that runs where nothing was chosen. */
  readonly isOther: boolean;
  /** Seconds of one by each variant that is right on this device, the fastest first. */
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
export type TunedDevice = TrialDevice & AttentionTrialDevice & ChainDevice & Pick<Ops, 'rmsNorm'>;

/** Rows of decoding, of prefill, and of drafts that are checked, in the order of their worth. */
const ROWS = [1, 128, 4] as const;
/** The first variant gives way only to one that takes at most this share of its time. */
const WORTHWHILE = 0.97;

/** Thrown where no time is left. */
class TimeIsUp extends Error {}

/**
 * Times the variants that are right on this device, those of products on the model's own weights, and from then on runs the
 * fastest of each shape, and of each kind of attention that steps have computed so far.
 */
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
  const add = ({ byTimestamps, ...tuned }: TunedShape & { byTimestamps: boolean }): void => {
    if (byTimestamps) timedByGpu++;
    shapes.push(tuned);
    options.onShape?.(tuned);
  };
  try {
    for (const rows of ROWS) {
      for (const alike of byShape(weights)) {
        const { dtype, shape } = alike[0]!;
        const key = choiceKey(rows, dtype, shape);
        if (options.onlyMissing && ops.variants.isChosen(key)) continue;
        add(await tuneProduct(device, key, { candidates: await valid.products(rows, dtype), weights: alike, rows }));
      }
    }
    for (const kind of kindsLike(ops.variants.attention.asked)) {
      if (options.onlyMissing && ops.variants.attention.isChosen(attentionKey(kind))) continue;
      add(await tuneAttention(device, kind, await valid.attention(kind)));
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
    attention: (q, kv, layer, options) => ops.attention(q, kv, layer, options),
    createKvPool: (layout) => ops.createKvPool(layout),
    createWeight: (shape, dtype) => ops.createWeight(shape, dtype),
    free: (tensor) => ops.free(tensor),
  };
}

/** The variants that are right, each tried once on a device. The first is among them untried, since there must be one. */
class ValidVariants {
  /** Those of this run. */
  readonly verdicts = new Map<string, string>();

  constructor(
    readonly ops: TunedDevice,
    /** Throws where no further trial may begin. */
    readonly check: () => void,
  ) {}

  products(rows: number, dtype: WeightDType): Promise<readonly Variant[]> {
    const product = productOf(rows);
    return this.#right(
      this.ops.variants.candidates(product, dtype),
      (variant) => verdictKey(product, dtype, variant),
      (variant) => faultOf(this.ops, product, variant, dtype),
    );
  }

  attention<P extends Phase>(
    kind: AttentionKind & { readonly phase: P },
  ): Promise<readonly AttentionVariants[P][number][]> {
    return this.#right(
      this.ops.variants.attention.candidates(kind),
      ({ name }) => `${attentionKey({ ...kind, isLong: false })} ${name}`,
      (variant) => attentionFaultOf(this.ops, kind, variant),
    );
  }

  async #right<V>(
    [first, ...others]: readonly V[],
    keyOf: (variant: V) => string,
    fault: (variant: V) => Promise<string | undefined>,
  ): Promise<readonly V[]> {
    const known = this.ops.variants.verdicts;
    const right: V[] = [first!];
    for (const variant of others) {
      const key = keyOf(variant);
      if (!known.has(key)) {
        this.check();
        const verdict = (await fault(variant)) ?? '';
        for (const verdicts of [known, this.verdicts]) verdicts.set(key, verdict);
      }
      if (known.get(key) === '') right.push(variant);
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

type Tuned = TunedShape & { readonly byTimestamps: boolean };

/** Weights take turns, as in a model, so that caches do not hold one of them. */
async function tuneProduct(
  ops: TunedDevice,
  key: string,
  {
    candidates,
    weights,
    rows,
  }: { readonly candidates: readonly Variant[]; readonly weights: readonly GpuWeight[]; readonly rows: number },
): Promise<Tuned> {
  const { variants } = ops;
  const record = (variant: Variant, count: number): Tensor =>
    variants.trying(variant, () => chainOf(ops, weights, rows, count));
  const { tuned, chosen } = fastestOf(key, await timesOf(ops, { candidates, record }));
  variants.choose(key, chosen);
  return tuned;
}

async function tuneAttention<P extends Phase>(
  ops: TunedDevice,
  kind: AttentionKind & { readonly phase: P },
  candidates: readonly AttentionVariants[P][number][],
): Promise<Tuned> {
  const { attention } = ops.variants;
  const key = attentionKey(kind);
  const chain = await AttentionChain.of(ops, kind);
  try {
    const record = (variant: AttentionVariants[P][number], count: number): Tensor =>
      attention.trying(kind.phase, variant, () => chain.record(count));
    const { tuned, chosen } = fastestOf(key, await timesOf(ops, { candidates, record }));
    attention.choose(key, chosen);
    return tuned;
  } finally {
    chain.dispose();
  }
}

/** Those that were asked for, each of decode in a short and in a long context. */
function kindsLike(asked: readonly AttentionKind[]): readonly AttentionKind[] {
  const both = asked.flatMap((kind) =>
    kind.phase === 'prefill' ? kind : [false, true].map((isLong) => ({ ...kind, isLong })),
  );
  return [...new Map(both.map((kind) => [attentionKey(kind), kind])).values()];
}

function fastestOf<V extends { readonly name: string }>(
  key: string,
  { times, byTimestamps }: Times<V>,
): { readonly tuned: Tuned; readonly chosen: V } {
  const [first] = times;
  const fastest = times.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const { variant: chosen } = fastest.seconds <= WORTHWHILE * first!.seconds ? fastest : first!;
  const named = times.map(({ variant, seconds }) => ({ variant: variant.name, seconds }));
  const tuned = {
    key,
    chosen: chosen.name,
    isOther: chosen !== first!.variant,
    times: named.sort((a, b) => a.seconds - b.seconds),
    byTimestamps,
  };
  return { tuned, chosen };
}
