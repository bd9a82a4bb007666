import type { WeightDType } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../kernels/quantize.ts';
import { BadModel } from '../errors.ts';

/** Throws BadModel where the largest magnitude of a tensor's weights is not finite, or beyond the range of their format. */
export function checkLargest(name: string, largest: number, format: WeightDType): void {
  if (!Number.isFinite(largest))
    throw new BadModel(`The tensor ${name} contains NaN or infinite weights. The file is damaged.`);
  if (largest > LARGEST_WEIGHT[format])
    throw new BadModel(
      `The tensor ${name} contains a weight of ${largest.toPrecision(3)}, which is too large for ${format}.`,
    );
}
