import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { type GpuOps, createGpuOps, dropped } from '../../../kernels/gpu/gpuOps.ts';
import { choiceKey, productOf } from '../../../kernels/gpu/variants/choice.ts';
import { chainOf } from '../../../kernels/gpu/variants/timing.ts';
import type { Variant } from '../../../kernels/gpu/variants/variant.ts';
import type { Tensor } from '../../../kernels/ops.ts';

/** A kind of product: what the tuner chose for it, beside all that is right on this device, forced. */
export interface ProductRow {
  product: string;
  chosen: string;
  chosenSeconds: number;
  best: string;
  bestSeconds: number;
  /** How long the chosen one takes, as a multiple of the best. */
  ratio: number;
  variants: number;
}

type Shape = readonly [outs: number, width: number];

/** Outputs and width of the products of a layer: those of phi-3-mini, and two of SmolLM2-135M for a software GPU. */
const REAL: readonly Shape[] = [
  [9216, 3072],
  [3072, 3072],
  [16384, 3072],
  [3072, 8192],
];
const SMALL: readonly Shape[] = [
  [960, 576],
  [576, 1536],
];
const ROWS = [1, 4, 128] as const;
const SECONDS_TO_TUNE = 600;
/** A run takes about so long, and of so many rounds, in which all variants take turns, the shortest run counts. */
const RUN_SECONDS = 0.05;
const ROUNDS = 20;
/** Behind so many rounds, what takes so many times as long as the best will not be the best. */
const FULL_ROUNDS = 5;
const FAR_BEHIND = 1.3;

const microseconds = (seconds: number): string => `${(seconds * 1e6).toPrecision(3)} µs`;

const COLUMNS: Measurement<ProductRow>['columns'] = [
  { title: 'product', width: 26, text: ({ product }) => product },
  { title: 'chosen', width: 48, text: ({ chosen }) => chosen },
  { title: 'takes', width: 12, text: ({ chosenSeconds }) => microseconds(chosenSeconds) },
  { title: 'best', width: 48, text: ({ best }) => best },
  { title: 'takes', width: 12, text: ({ bestSeconds }) => microseconds(bestSeconds) },
  { title: 'ratio', width: 6, text: ({ ratio }) => ratio.toFixed(2) },
  { title: 'of', text: ({ variants }) => `${variants} variants` },
];

/** The tuner's choices, and then each variant forced and timed, in one run. A software GPU is taken where there is no other. */
export const GPU_VARIANTS: Measurement<ProductRow> = {
  subject: "products by the tuner's choice, beside the best of all variants when forced (weights in q4)",
  layout: 'table',
  columns: COLUMNS,
  async *rows({ signal }) {
    const ops = await createGpuOps({ allowSoftware: true });
    try {
      console.log(ops.adapter);
      const weights = new Map<Shape, Tensor>();
      for (const shape of ops.device.adapterInfo.isFallbackAdapter ? SMALL : REAL)
        weights.set(shape, await randomWeight(ops, shape));
      const { shapes, ...tuning } = await ops.tune({ mostSeconds: SECONDS_TO_TUNE, signal });
      for (const sentence of dropped(tuning)) console.log(sentence);
      for (const rows of ROWS) {
        for (const [shape, weight] of weights) {
          const tuned = shapes.find(({ key }) => key === choiceKey(rows, 'q4', shape));
          if (!tuned) continue;
          const guess = new Map(tuned.times.map(({ variant, seconds }) => [variant, seconds]));
          const candidates = ops.variants.candidates(productOf(rows), 'q4').filter(({ name }) => guess.has(name));
          const times = await timesOf(ops, { candidates, weight, rows, guess, signal });
          yield rowOf(`${rows} x ${shape[1]} x ${shape[0]}`, tuned.chosen, times);
        }
      }
    } finally {
      await ops.dispose();
    }
  },
};

function rowOf(product: string, chosen: string, times: ReadonlyMap<string, number>): ProductRow {
  const [best, bestSeconds] = [...times].reduce((a, b) => (b[1] < a[1] ? b : a));
  const chosenSeconds = times.get(chosen)!;
  return {
    product,
    chosen,
    chosenSeconds,
    best,
    bestSeconds,
    ratio: chosenSeconds / bestSeconds,
    variants: times.size,
  };
}

interface Timed {
  readonly candidates: readonly Variant[];
  readonly weight: Tensor;
  readonly rows: number;
  /** About what each takes, in seconds. */
  readonly guess: ReadonlyMap<string, number>;
  readonly signal: AbortSignal;
}

/**
 * Seconds of a product by each variant, in the chain that the tuner times. Turns are taken round by round, so that what else
 * the machine does hits all alike; those that are far behind by then do without the later ones.
 */
async function timesOf(ops: GpuOps, { candidates, weight, rows, guess, signal }: Timed): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const most = round < FULL_ROUNDS ? Infinity : FAR_BEHIND * Math.min(...times.values());
    for (const variant of candidates) {
      signal.throwIfAborted();
      const shortest = times.get(variant.name);
      if (shortest !== undefined && shortest > most) continue;
      const products = Math.max(1, Math.ceil(RUN_SECONDS / (shortest ?? guess.get(variant.name)!)));
      const started = performance.now();
      await ops.variants.trying(variant, () => ops.step(() => chainOf(ops, [weight], rows, products)));
      const seconds = (performance.now() - started) / 1000 / products;
      times.set(variant.name, Math.min(seconds, shortest ?? Infinity));
    }
  }
  return times;
}

async function randomWeight(ops: GpuOps, shape: Shape): Promise<Tensor> {
  const writer = ops.createWeight(shape, 'q4');
  const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(7.3 * i));
  const bytes = new Uint8Array(values.buffer);
  await writer.writeStored(bytes.length, 'F32', async (into) => into.set(bytes));
  return writer.finish();
}
