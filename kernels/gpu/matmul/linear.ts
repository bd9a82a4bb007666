import linearSource from './linear.wgsl';
import matmulSource from './matmul.wgsl';
import matvecSource from './matvec.wgsl';
import padColumnsSource from './padColumns.wgsl';
import weightSource from './weight.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor, GpuWeight } from '../device/tensor.ts';
import { formatConstants, paddedQuads, scaleWords } from '../packing/layout.ts';

const bindings = ['read', 'read', 'read', 'read', 'read', 'write'] as const;
const matvec = defineKernel('matvec', weightSource + linearSource + matvecSource, bindings);
const matmul = defineKernel('matmul', weightSource + linearSource + matmulSource, bindings);
const padColumns = defineKernel('padColumns', gridSource + padColumnsSource, ['read', 'write']);

/** Up to here reading the weights once for every MATVEC_ROWS rows costs less than a tile of which most is empty. */
const LARGEST_MATVEC = 8;
const MATVEC_ROWS = 4;
const MATVEC_OUTS = 8; // SLOTS * OUTS in matvec.wgsl
const TILE = 64; // in matmul.wgsl

/** x @ weight^T (+ bias) (+ residual).  x: (rows, in), weight: (out, in), bias: (out), residual, result: (rows, out). */
export function linear(
  recording: Recording,
  x: GpuTensor,
  weight: GpuWeight,
  { bias, residual }: { readonly bias?: GpuTensor | undefined; readonly residual?: GpuTensor | undefined },
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
  const padded = padToBlocks(recording, x, weight);
  const y = recording.tensor([rows, outs]);
  const isFew = rows <= LARGEST_MATVEC;
  const xRows = rows === 1 ? 1 : MATVEC_ROWS;
  const constants = formatConstants(weight.dtype);
  const kernel = isFew ? matvec({ ...constants, X_ROWS: xRows }) : matmul(constants);
  const [outsPerGroup, rowsPerGroup] = isFew ? [MATVEC_OUTS, xRows] : [TILE, TILE];
  const sizes = [rows, paddedQuads(weightWidth, weight.dtype), scaleWords(weightWidth, weight.dtype)];
  const epilogue = [bias, residual];
  for (const part of weight.parts) {
    recording.dispatch(
      kernel,
      [part.blocks, part.scales, padded.storage, ...epilogue.map((tensor) => (tensor ?? x).storage), y.storage],
      [...sizes, part.rows, part.firstRow, outs, ...epilogue.map((tensor) => (tensor ? 1 : 0))].map(u32),
      [Math.ceil(part.rows / outsPerGroup), Math.ceil(rows / rowsPerGroup), 1],
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
