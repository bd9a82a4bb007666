import { check } from '../../check.ts';
import type { WeightDType } from '../../ops.ts';
import type { Need } from '../device/adapter.ts';
import { AttentionChoice, type ForcedAttention } from '../attention/choice.ts';
import { VARIANTS } from './products.ts';
import type { Product, Variant } from './variant.ts';

/** Names of variants that run wherever the device and the format of the weight let them: for tests and benchmarks. */
export interface ForcedVariants extends Partial<Readonly<Record<Product, string>>> {
  readonly attention?: ForcedAttention;
}

/** Up to here reading the weights once for every few rows costs less than a tile of which most is empty. */
const LARGEST_MATVEC = 8;

export function productOf(rows: number): Product {
  return rows <= LARGEST_MATVEC ? 'matvec' : 'matmul';
}

/** Which variant computes a product: the one that is forced or was chosen, and else the first that the device allows. */
export class VariantChoice {
  readonly attention: AttentionChoice;
  readonly #chosen = new Map<string, Variant>();
  readonly #forced: Partial<Readonly<Record<Product, string>>>;
  #trial: Variant | undefined;

  constructor(
    readonly offered: ReadonlySet<Need>,
    /** What the device has for a workgroup. */
    readonly workgroupBytes: number,
    { attention, ...forced }: ForcedVariants = {},
  ) {
    for (const product of Object.keys(forced) as Product[]) variantNamed(product, forced[product]!);
    this.#forced = forced;
    this.attention = new AttentionChoice(offered, workgroupBytes, attention);
  }

  /** Those that this device and a format allow. */
  candidates(product: Product, dtype: WeightDType): readonly Variant[] {
    return VARIANTS[product].filter((variant) => variant.takes(dtype) && this.#allows(variant));
  }

  /** The variant for products of `rows` rows with a weight of this format and shape. */
  of(rows: number, dtype: WeightDType, shape: readonly [number, number]): Variant {
    if (this.#trial) return this.#trial;
    const product = productOf(rows);
    const forced = this.#forced[product];
    const [first, ...others] = this.candidates(product, dtype);
    if (forced === undefined) return this.#chosen.get(choiceKey(rows, dtype, shape)) ?? first!;
    return others.find(({ name }) => name === forced) ?? first!;
  }

  /** Whether a product may have its neighbours as parts (joined/), which are written for the first variant of few rows. */
  joins(rows: number, dtype: WeightDType, shape: readonly [number, number]): boolean {
    return this.of(rows, dtype, shape) === VARIANTS.matvec[0];
  }

  /** Calls `record`, in which this variant computes every product. */
  trying<T>(variant: Variant, record: () => T): T {
    this.#trial = variant;
    try {
      return record();
    } finally {
      this.#trial = undefined;
    }
  }

  isChosen(key: string): boolean {
    return this.#chosen.has(key);
  }

  /** From now on `variant` runs for such products. */
  choose(key: string, variant: Variant): void {
    this.#chosen.set(key, variant);
  }

  /** Why a variant is not right on this device, '' where it is, by verdictKey(): those that were tried, now or before. */
  readonly verdicts = new Map<string, string>();

  /** Likewise for names by key, as they were kept. Those that this device or this version does not have are left out. */
  chooseKept(chosen: Readonly<Record<string, string>>): void {
    for (const [key, name] of Object.entries(chosen)) {
      const variant = Object.values(VARIANTS)
        .flat()
        .find((one) => one.name === name);
      if (variant && this.#allows(variant)) this.choose(key, variant);
    }
    this.attention.chooseKept(chosen);
  }

  #allows({ needs, workgroupBytes }: Variant): boolean {
    return workgroupBytes <= this.workgroupBytes && needs.every((need) => this.offered.has(need));
  }
}

/** What being right depends on, beside the device and the version. */
export function verdictKey(product: Product, dtype: WeightDType, { name }: Variant): string {
  return `${product} ${dtype} ${name}`;
}

/** What a choice depends on, beside the device: products of one row, of a few and of many differ. */
export function choiceKey(rows: number, dtype: WeightDType, [outs, width]: readonly [number, number]): string {
  return `${rows === 1 ? 'one row' : productOf(rows) === 'matvec' ? 'few rows' : 'many rows'} x ${width} x ${outs} ${dtype}`;
}

export function variantNamed(product: Product, name: string): Variant {
  const variant = VARIANTS[product].find((one) => one.name === name);
  check(variant !== undefined, () => `no variant of ${product} is named "${name}"`);
  return variant;
}
