import { type AttentionOptions, BackendRefused, type Ops, OutOfMemory, PAGE_TOKENS, type Tensor } from '../../ops.ts';
import { random } from '../variants/validity.ts';
import type { Kernel } from '../device/kernel.ts';
import { type AttentionChoice, type AttentionKind, attentionKey } from './choice.ts';
import { constantsOf } from './attention.ts';
import { expectedRow } from './expected.ts';
import { type HardPage, hardPages } from './hardPages.ts';
import { GpuKvPool } from './kvPool.ts';
import type { AttentionVariants, DecodeVariant, Phase, PrefillVariant } from './variants.ts';

/** A device as far as variants of attention are tried on it. */
export interface AttentionTrialDevice extends Pick<Ops, 'input' | 'attention' | 'createKvPool'> {
  readonly variants: { readonly attention: AttentionChoice };
  timedStep(record: () => Tensor): Promise<{ readonly values: Float32Array }>;
  compileFailure(kernel: Kernel): Promise<string | undefined>;
}

interface Trial {
  readonly tokens: number;
  readonly length: number;
  readonly window?: number;
  readonly bidirectional?: boolean;
}

/** One key, pages that are half full, a window, several splits; in prefill more than a tile, and both directions. */
const TRIALS: Readonly<Record<Phase, readonly Trial[]>> = {
  decode: [
    { tokens: 1, length: 0 },
    { tokens: 1, length: 63 },
    { tokens: 3, length: 157 },
    { tokens: 1, length: 500, window: 101 },
    { tokens: 2, length: 1333 },
  ],
  prefill: [
    { tokens: 5, length: 0 },
    { tokens: 37, length: 101 },
    { tokens: 70, length: 333, window: 90 },
    { tokens: 41, length: 0, bidirectional: true },
  ],
};
/** Of each token, since there may be many: others of the next one. */
const HEADS_CHECKED = 3;

/** Why a variant is not to be used for attention of this kind on this device, as a sentence; undefined where it is right. */
export async function attentionFaultOf<P extends Phase>(
  ops: AttentionTrialDevice,
  kind: AttentionKind & { readonly phase: P },
  variant: AttentionVariants[P][number],
): Promise<string | undefined> {
  const because = (reason: string): string => `"${variant.name}" is not used for ${attentionKey(kind)}: ${reason}`;
  const pool = ops.createKvPool({ layers: 1, ...kind });
  try {
    for (const kernel of kernelsOf(variant, constantsOf(pool as GpuKvPool, kind.heads, kind.sparsity))) {
      const failure = await ops.compileFailure(kernel);
      if (failure !== undefined) return because(`it does not compile here (${failure}).`);
    }
    const next = random(kind.headDim);
    const hard = hardPages(pool.layout, next);
    await pool.grow(hard.length);
    for (const [page, { bytes }] of hard.entries()) await pool.write(page, bytes);
    for (const trial of TRIALS[kind.phase]) {
      if (trial.bidirectional && kind.sparsity) continue;
      const { tokens, length, window = 2 ** 30, bidirectional } = trial;
      const q = hardQueries(tokens, kind, next);
      const pages = Array.from(
        { length: Math.ceil((length + tokens) / PAGE_TOKENS) },
        (_, i) => (3 * i + length) % hard.length,
      );
      const options = { ...kind, scale: 1 / Math.sqrt(kind.headDim), window, bidirectional };
      const { values } = await ops.timedStep(() =>
        ops.variants.attention.trying(kind.phase, variant, () =>
          ops.attention(ops.input(q, [tokens, kind.heads * kind.headDim]), { pool, pages, length }, 0, options),
        ),
      );
      const fault = firstFault(
        values,
        q,
        trial,
        options,
        pages.map((page) => hard[page]!),
      );
      if (fault !== undefined) return because(`${tokens} behind ${length} tokens ${fault}`);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof BackendRefused || error instanceof OutOfMemory)) throw error;
    return because(`it does not run here (${error.message})`);
  } finally {
    pool.dispose();
  }
}

function kernelsOf(variant: DecodeVariant | PrefillVariant, constants: Record<string, number>): readonly Kernel[] {
  if (!('mostWays' in variant)) return [variant.kernel(constants)];
  return [...new Set([1, variant.mostWays])].map((ways) => variant.kernel(constants, ways));
}

function firstFault(
  got: Float32Array,
  q: Float32Array,
  { tokens, length }: Trial,
  options: AttentionOptions,
  pages: readonly HardPage[],
): string | undefined {
  const { heads, headDim } = options;
  for (let token = 0; token < tokens; token++) {
    for (let i = 0; i < Math.min(heads, HEADS_CHECKED); i++) {
      const head = (token * HEADS_CHECKED + i) % heads;
      const { values, allowed } = expectedRow({ q, pages, stored: length + tokens, length, options }, token, head);
      for (let dim = 0; dim < headDim; dim++) {
        const value = got[(token * heads + head) * headDim + dim]!;
        if (Math.abs(value - values[dim]!) <= allowed[dim]!) continue;
        return `give ${value} instead of ${values[dim]!.toPrecision(7)}, where ${allowed[dim]!.toPrecision(2)} may be lost.`;
      }
    }
  }
  return undefined;
}

/** Rows in turn that see all keys alike, have outliers, and have large scores with the keys that are positive throughout. */
function hardQueries(tokens: number, { heads, headDim }: AttentionKind, next: () => number): Float32Array {
  return Float32Array.from({ length: tokens * heads * headDim }, (_, i) => {
    const value = 2 * next() - 1;
    const kind = Math.floor(i / headDim) % 4;
    if (kind === 3) return i % 29 === 4 ? 20 * value : value;
    return kind === 2 ? 1 + value / 2 : value;
  });
}
