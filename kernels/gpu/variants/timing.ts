import type { Ops, Tensor } from '../../ops.ts';
import { productOf } from './choice.ts';
import type { TrialDevice } from './validity.ts';

/** A device whose steps are timed. */
export type TimedDevice = Pick<TrialDevice, 'timedStep'>;

/** Operations of one kind, and the variants that may compute them. */
export interface Compared<V> {
  readonly candidates: readonly V[];
  /** Records so many of them, each of which needs the one before it. */
  record(variant: V, count: number): Tensor;
}

/** What an operation takes by each of the candidates, in their order. */
export interface Times<V> {
  readonly times: readonly { readonly variant: V; readonly seconds: number }[];
  /** Whether the GPU's clock told it, and not the host's. */
  readonly byTimestamps: boolean;
}

/** A run takes about so long, well above what clocks and a round trip blur. */
const RUN_MS = 8;
const MOST_OPERATIONS = 1024;
/** A variant is first tried with this share of a run, since it may be far slower than the first. */
const FIRST_SHARE = 1 / 8;
/**
 * Who takes so many times as long as the fastest takes no further turns: behind the first try, the first round, the second …
 * In each round all that are left take turns, so that what else the GPU does, and its clock rate, meet all alike.
 */
const HOPELESS = [4, 3, 2, 1.5, 1.25, 1.15] as const;
const MOST_ROUNDS = 12;
/** No times change any more once so many rounds in a row have shortened none by more than this share. */
const SETTLED = { rounds: 3, share: 0.01 } as const;

/**
 * Of several runs the shortest counts, since others may use the GPU, too. Runs are timed by the GPU's timestamps, or by the
 * host's clock where a single one of them had none that can be true.
 */
export async function timesOf<V>(ops: TimedDevice, compared: Compared<V>): Promise<Times<V>> {
  const { candidates } = compared;
  const length = await runLength(ops, compared);
  const few = Math.ceil(length * FIRST_SHARE);
  const all: Contender<V>[] = [];
  for (const variant of candidates) {
    const most = HOPELESS[0] * Math.min(...all.map(({ first }) => first));
    const first = await firstTry(() => run(ops, compared, variant, few), most);
    all.push({ variant, first, host: Infinity, gpu: Infinity });
  }
  let byTimestamps = true;
  const secondsOf = ({ first, gpu, host }: Contender<V>): number =>
    host === Infinity ? first : byTimestamps ? gpu : host;
  let [left, quiet] = [all, 0];
  for (let round = 0; round < MOST_ROUNDS && quiet < SETTLED.rounds; round++) {
    const most = (HOPELESS[round] ?? HOPELESS.at(-1)!) * Math.min(...left.map(secondsOf));
    left = left.filter((contender) => secondsOf(contender) <= most);
    if (round > 0 && left.length === 1) break;
    let shortened = false;
    for (const contender of round % 2 === 0 ? left : left.toReversed()) {
      const before = secondsOf(contender);
      const count = Math.min(MOST_OPERATIONS, Math.ceil(RUN_MS / 1000 / before));
      const { hostSeconds, gpuSeconds } = await run(ops, compared, contender.variant, count);
      contender.host = Math.min(contender.host, hostSeconds);
      contender.gpu = Math.min(contender.gpu, gpuSeconds ?? Infinity);
      byTimestamps &&= gpuSeconds !== undefined;
      shortened ||= secondsOf(contender) < before * (1 - SETTLED.share);
    }
    quiet = shortened ? 0 : quiet + 1;
  }
  return { times: all.map((one) => ({ variant: one.variant, seconds: secondsOf(one) })), byTimestamps };
}

/** A variant, and the seconds of an operation by it: of its first try, and of its shortest run by each clock. */
interface Contender<V> {
  readonly variant: V;
  readonly first: number;
  host: number;
  gpu: number;
}

/** How many operations make a run of the first candidate. */
async function runLength<V>(ops: TimedDevice, compared: Compared<V>): Promise<number> {
  const [first] = compared.candidates;
  for (let count = 1; ;) {
    await run(ops, compared, first!, count); // Compiles and fills scratch.
    const ms = 1000 * count * (await run(ops, compared, first!, count)).hostSeconds;
    if (ms >= RUN_MS || count === MOST_OPERATIONS) return count;
    count = Math.min(MOST_OPERATIONS, Math.ceil(count * Math.min(16, Math.max(2, (1.5 * RUN_MS) / ms))));
  }
}

/** The shortest of two short runs, of which the first fills caches, and of two more where those took longer than `most`. */
async function firstTry(short: () => Promise<{ hostSeconds: number }>, most: number): Promise<number> {
  let seconds = Infinity;
  for (let runs = 0; runs < 2 || (runs < 4 && seconds > most); runs++)
    seconds = Math.min(seconds, (await short()).hostSeconds);
  return seconds;
}

/** The seconds of an operation in a run of so many. */
async function run<V>(
  ops: TimedDevice,
  { record }: Compared<V>,
  variant: V,
  count: number,
): Promise<{ hostSeconds: number; gpuSeconds: number | undefined }> {
  const { hostSeconds, gpuSeconds } = await ops.timedStep(() => record(variant, count));
  return { hostSeconds: hostSeconds / count, gpuSeconds: gpuSeconds && gpuSeconds / count };
}

/**
 * Products by weights that take turns, as in a model, so that caches do not hold one of them, of which each adds the result of the one before it, or nothing would need that and it would not be computed.
 * Before those of few rows stands a norm, as in a model, since the first variant computes it for nothing (joined/).
 */
export function chainOf(
  ops: Pick<Ops, 'input' | 'embed' | 'linear' | 'rmsNorm' | 'lastRows'>,
  weights: readonly Tensor[],
  rows: number,
  products: number,
): Tensor {
  const [outs, width] = weights[0]!.shape as [number, number];
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
