import { BackendRefused, type Ops, OutOfMemory, type Tensor, type WeightDType } from '../../ops.ts';
import { isSuperBlock } from '../../superBlocks.ts';
import type { Kernel } from '../device/kernel.ts';
import type { TimedRun } from '../device/runner.ts';
import type { VariantChoice } from './choice.ts';
import { expectedProduct } from './rounding.ts';
import type { Product, Variant } from './variant.ts';

/** A device as far as variants are tried on it. */
export interface TrialDevice extends Pick<Ops, 'input' | 'embed' | 'linear' | 'createWeight' | 'free'> {
  readonly variants: VariantChoice;
  /** A step beside those of models, and what it took. It may fail without harm to later ones. */
  timedStep(record: () => Tensor): Promise<TimedRun>;
  /** Why a kernel does not compile, in one line; undefined where it does. */
  compileFailure(kernel: Kernel): Promise<string | undefined>;
}

/** More outputs than a tile has, and not a multiple of anything; likewise rows; by kind of product. */
const OUTS: Readonly<Record<Product, number>> = { matvec: 37, matmul: 131 };
const ROWS: Readonly<Record<Product, readonly number[]>> = { matvec: [1, 1, 1, 6], matmul: [9, 131] };

/** Why a variant is not to be used with a format on this device, as a sentence; undefined where it is right. */
export async function faultOf(
  ops: TrialDevice,
  product: Product,
  variant: Variant,
  dtype: WeightDType,
): Promise<string | undefined> {
  const because = (reason: string): string => `The ${product} "${variant.name}" is not used for ${dtype}: ${reason}`;
  for (const rows of new Set(ROWS[product])) {
    const failure = await ops.compileFailure(variant.kernel(dtype, rows));
    if (failure !== undefined) return because(`it does not compile here (${failure}).`);
  }
  const width = isSuperBlock(dtype) ? 512 : 288;
  const weight = await hardWeight(ops, [OUTS[product], width], dtype);
  try {
    const ids = Array.from({ length: OUTS[product] }, (_, row) => row);
    const { values: w } = await ops.timedStep(() => ops.embed(weight, ids));
    for (const [trial, rows] of ROWS[product].entries()) {
      const x = hardRows(trial, rows, width);
      const { values: got } = await ops.timedStep(() =>
        ops.variants.trying(variant, () => ops.linear(ops.input(x, [rows, width]), weight)),
      );
      const { values, allowed } = expectedProduct({ x, w, width, dtype }, variant.arithmetic);
      const at = got.findIndex((value, i) => !(Math.abs(value - values[i]!) <= allowed[i]!));
      if (at >= 0)
        return because(
          `with ${rows} rows it gives ${got[at]} instead of ${values[at]!.toPrecision(7)}, ` +
            `where ${allowed[at]!.toPrecision(2)} may be lost.`,
        );
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof BackendRefused || error instanceof OutOfMemory)) throw error;
    return because(`it does not run here (${error.message})`);
  } finally {
    ops.free(weight);
  }
}

/** Those of `candidates` that are right on this device, and a sentence about each that is not. */
export async function validVariants(
  ops: TrialDevice,
  product: Product,
  dtype: WeightDType,
  candidates: readonly Variant[],
): Promise<{ valid: Variant[]; dropped: string[] }> {
  const valid: Variant[] = [];
  const dropped: string[] = [];
  for (const variant of candidates) {
    const fault = await faultOf(ops, product, variant, dtype);
    if (fault === undefined) valid.push(variant);
    else dropped.push(fault);
  }
  return { valid, dropped };
}

/** Rows whose values are hard to keep: outliers, sums and values beyond f16, tiny values, none at all. */
function hardRows(seed: number, rows: number, width: number): Float32Array {
  const next = random(seed + 1);
  return Float32Array.from({ length: rows * width }, (_, i) => {
    const value = 2 * next() - 1;
    const kind = (seed + Math.floor(i / width)) % 5;
    if (kind === 0) return i % 97 === 96 ? 20 * value : value;
    if (kind === 1) return 1000 + 300 * value;
    if (kind === 2) return i % 64 === 5 ? 1e5 * value : value;
    return kind === 3 ? 1e-6 * value : 0;
  });
}

/** Random weights with outliers; the first row is large and positive throughout. */
async function hardWeight(ops: TrialDevice, shape: readonly [number, number], dtype: WeightDType): Promise<Tensor> {
  const writer = ops.createWeight(shape, dtype);
  const values = shape[0] * shape[1];
  const next = random(7);
  if (isSuperBlock(dtype)) {
    const bytes = superBlocks(values, dtype === 'q4k' ? 144 : 176, next);
    await writer.writeStored(bytes.length, dtype === 'q4k' ? 'Q4_K' : 'Q5_K', async (into) => into.set(bytes));
    return writer.finish();
  }
  const w = Float32Array.from({ length: values }, (_, i) => {
    const value = 2 * next() - 1;
    return i < shape[1] ? 50 + value : i % 89 === 88 ? 20 * value : value;
  });
  const bytes = new Uint8Array(w.buffer);
  await writer.writeStored(bytes.length, 'F32', async (into) => into.set(bytes));
  return writer.finish();
}

/** Super-blocks of 256 random codes and scales, whose two f16 factors are of usual size. */
function superBlocks(values: number, blockBytes: number, next: () => number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length: (values / 256) * blockBytes }, () => 256 * next());
  for (let at = 0; at < bytes.length; at += blockBytes)
    bytes.set([0x00, 0x10 + 4 * next(), 0x00, 0x18 + 4 * next()], at);
  return bytes;
}

/** Seeded numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
