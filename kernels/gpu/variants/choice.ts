import { check } from '../../check.ts';
import type { WeightDType } from '../../ops.ts';
import { VARIANTS } from './products.ts';
import type { Need } from '../device/adapter.ts';
import type { Product, Variant } from './variant.ts';

/** Names of variants that run wherever the device and the format of the weight let them: for tests and benchmarks. */
export type ForcedVariants = Partial<Readonly<Record<Product, string>>>;

/** Up to here reading the weights once for every few rows costs less than a tile of which most is empty. */
const LARGEST_MATVEC = 8;

export function productOf(rows: number): Product {
  return rows <= LARGEST_MATVEC ? 'matvec' : 'matmul';
}

/** Which variant computes a product: the one that is forced, and else the first of the list. */
export class VariantChoice {
  readonly #forced: ForcedVariants;
  #trial: Variant | undefined;

  constructor(
    readonly offered: ReadonlySet<Need>,
    forced: ForcedVariants = {},
  ) {
    for (const product of Object.keys(forced) as Product[]) variantNamed(product, forced[product]!);
    this.#forced = forced;
  }

  /** Those that this device and a format allow. */
  candidates(product: Product, dtype: WeightDType): readonly Variant[] {
    return VARIANTS[product].filter(
      (variant) => variant.takes(dtype) && variant.needs.every((need) => this.offered.has(need)),
    );
  }

  /** The variant for products of `rows` rows with a weight of this format. */
  of(rows: number, dtype: WeightDType): Variant {
    if (this.#trial) return this.#trial;
    const product = productOf(rows);
    const forced = this.#forced[product];
    if (forced === undefined) return VARIANTS[product][0]!;
    return this.candidates(product, dtype).find(({ name }) => name === forced) ?? VARIANTS[product][0]!;
  }

  /** Runs `work`, in whose steps this variant computes every product. */
  async trying<T>(variant: Variant, work: () => Promise<T>): Promise<T> {
    this.#trial = variant;
    try {
      return await work();
    } finally {
      this.#trial = undefined;
    }
  }
}

export function variantNamed(product: Product, name: string): Variant {
  const variant = VARIANTS[product].find((one) => one.name === name);
  check(variant !== undefined, () => `no variant of ${product} is named "${name}"`);
  return variant;
}
