import { check } from '../../check.ts';
import type { AttentionShape, KvDType, Sparsity } from '../../ops.ts';
import type { Need } from '../device/adapter.ts';
import { ATTENTION, type AttentionVariant, type AttentionVariants, type Phase } from './variants.ts';

/** Names of variants that run wherever the device and the blocks let them: for tests and benchmarks. */
export type ForcedAttention = Partial<Readonly<Record<Phase, string>>>;

/** What a choice depends on, beside the device. */
export interface AttentionKind extends AttentionShape {
  readonly phase: Phase;
  readonly dtype: KvDType;
  /** Undefined where all blocks are seen. */
  readonly sparsity: Sparsity | undefined;
  /** Whether the keys that a token sees are more than SHORT: of few tokens only. */
  readonly isLong: boolean;
}

/** Keys up to which attention of few tokens counts as that of a short context. */
export const SHORT = 1024;

type VariantOf<P extends Phase> = AttentionVariants[P][number];

/** Which variant computes attention: the one that is forced or was chosen, and else the first. */
export class AttentionChoice {
  readonly #offered: ReadonlySet<Need>;
  readonly #workgroupBytes: number;
  readonly #forced: ForcedAttention;
  readonly #chosen = new Map<string, AttentionVariant>();
  readonly #asked = new Map<string, AttentionKind>();
  #trial: { readonly phase: Phase; readonly variant: AttentionVariant } | undefined;

  constructor(offered: ReadonlySet<Need>, workgroupBytes: number, forced: ForcedAttention = {}) {
    this.#offered = offered;
    this.#workgroupBytes = workgroupBytes;
    this.#forced = forced;
    for (const phase of ['decode', 'prefill'] as const) {
      const name = forced[phase];
      const isKnown = name === undefined || ATTENTION[phase].some((variant) => variant.name === name);
      check(isKnown, () => `no variant of attention for ${phase} is named "${name}"`);
    }
  }

  /** The kinds that steps have computed so far: those worth choosing for. */
  get asked(): readonly AttentionKind[] {
    return [...this.#asked.values()];
  }

  /** Those that this device and the blocks allow. */
  candidates<P extends Phase>({
    phase,
    headDim,
    sparsity,
  }: AttentionKind & { readonly phase: P }): readonly VariantOf<P>[] {
    const variants: readonly VariantOf<P>[] = ATTENTION[phase];
    return variants.filter(
      (variant) =>
        variant.workgroupBytes(headDim) <= this.#workgroupBytes &&
        variant.needs.every((need) => this.#offered.has(need)) &&
        !('tile' in variant && sparsity && variant.tile > sparsity.blockTokens),
    );
  }

  /** The variant for attention of this kind. */
  of<P extends Phase>(kind: AttentionKind & { readonly phase: P }): VariantOf<P> {
    if (this.#trial?.phase === kind.phase) return this.#trial.variant as VariantOf<P>;
    const key = attentionKey(kind);
    if (!this.#trial) this.#asked.set(key, kind);
    const name = this.#forced[kind.phase] ?? this.#chosen.get(key)?.name;
    const candidates = this.candidates(kind);
    return candidates.find((variant) => variant.name === name) ?? candidates[0]!;
  }

  /** Calls `record`, in which this variant computes all attention of its phase. */
  trying<P extends Phase, T>(phase: P, variant: VariantOf<P>, record: () => T): T {
    this.#trial = { phase, variant };
    try {
      return record();
    } finally {
      this.#trial = undefined;
    }
  }

  isChosen(key: string): boolean {
    return this.#chosen.has(key);
  }

  /** From now on `variant` runs for such attention. */
  choose(key: string, variant: AttentionVariant): void {
    this.#chosen.set(key, variant);
  }

  /** Likewise for names by key, as they were kept. Those that this version does not have are left out. */
  chooseKept(chosen: Readonly<Record<string, string>>): void {
    for (const [key, name] of Object.entries(chosen)) {
      const variant = [...ATTENTION.decode, ...ATTENTION.prefill].find((one) => one.name === name);
      if (variant) this.choose(key, variant);
    }
  }
}

/** Names a kind of attention among the choices for a device. */
export function attentionKey({ phase, heads, kvHeads, headDim, dtype, sparsity, isLong }: AttentionKind): string {
  const blocks = sparsity ? `, ${Object.values(sparsity).join('-')} blocks` : '';
  const context = phase === 'prefill' ? '' : isLong ? ', long' : ', short';
  return `attention, ${phase}, ${heads} / ${kvHeads} x ${headDim} ${dtype}${blocks}${context}`;
}
