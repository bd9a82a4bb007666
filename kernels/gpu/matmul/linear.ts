import padColumnsSource from './padColumns.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor, GpuWeight } from '../device/tensor.ts';
import { normedProduct } from '../joined/joined.ts';
import { paddedQuads, scaleWords } from '../packing/layout.ts';
import type { VariantChoice } from '../variants/choice.ts';

const padColumns = defineKernel('padColumns', gridSource + padColumnsSource, ['read', 'write']);

interface Adds {
  readonly bias?: GpuTensor | undefined;
  readonly residual?: GpuTensor | undefined;
}

/** x @ weight^T (+ bias) (+ residual).  x: (rows, in), weight: (out, in), bias: (out), residual, result: (rows, out). */
export function linear(
  recording: Recording,
  variants: VariantChoice,
  x: GpuTensor,
  weight: GpuWeight,
  { bias, residual }: Adds,
): GpuTensor {
  const [rows = 0, width] = x.shape;
  const [outs, weightWidth] = weight.shape;
  check(width === weightWidth, () => `linear: weight is (${weight.shape}), x is (${x.shape})`);
  check(
    !residual || (residual.shape[0] === rows && residual.shape[1] === outs),
    () => `linear: residual is (${residual?.shape}), x is (${x.shape}), weight is (${weight.shape})`,
  );
  check(
    !bias || (bias.shape.length === 1 && bias.shape[0] === outs),
    () => `linear: bias is (${bias?.shape}), weight is (${weight.shape})`,
  );
  const joins =
    variants.joins(rows, weight.dtype, weight.shape) && 4 * paddedQuads(weightWidth, weight.dtype) === width;
  const y =
    (joins && normedProduct(recording, x, weight, { bias, residual })) ||
    plain(recording, variants, x, weight, { bias, residual });
  if (!joins || residual) return y;
  return { ...y, made: { by: 'linear', x, weight, bias, since: recording.operations.length } };
}

function plain(
  recording: Recording,
  variants: VariantChoice,
  x: GpuTensor,
  weight: GpuWeight,
  { bias, residual }: Adds,
): GpuTensor {
  const [rows = 0] = x.shape;
  const [outs, weightWidth] = weight.shape;
  const padded = padToBlocks(recording, x, weight);
  const y = recording.tensor([rows, outs]);
  const variant = variants.of(rows, weight.dtype, weight.shape);
  const kernel = variant.kernel(weight.dtype, rows);
  const tile = variant.tile(rows);
  const sizes = [rows, paddedQuads(weightWidth, weight.dtype), scaleWords(weightWidth, weight.dtype)];
  const epilogue = [bias, residual];
  const flags = epilogue.map((tensor) => (tensor ? 1 : 0));
  for (const part of weight.parts) {
    const tiles = [Math.ceil(part.rows / tile.outs), Math.ceil(rows / tile.rows)] as const;
    recording.dispatchTiles(
      kernel,
      [part.blocks, part.scales, padded.storage, ...epilogue.map((tensor) => (tensor ?? x).storage), y.storage],
      (column, line) =>
        [...sizes, part.rows, part.firstRow, outs, ...flags, line * tile.rows, column * tile.outs].map(u32),
      tiles,
      tile.outs * tile.rows * weightWidth,
    );
  }
  return y;
}

function padToBlocks(recording: Recording, x: GpuTensor, weight: GpuWeight): GpuTensor {
  const [rows, cols] = x.shape as [number, number];
  const padded = 4 * paddedQuads(cols, weight.dtype);
  if (padded === cols) return x;
  const y = recording.tensor([rows, padded]);
  recording.dispatch(
    padColumns({ WORKGROUP }),
    [x.storage, y.storage],
    [rows, cols, padded].map(u32),
    grid(Math.ceil((rows * padded) / WORKGROUP)),
  );
  return y;
}
