import source from './layerNorm.wgsl';
import normSource from './norm.wgsl';
import rowSumSource from './rowSum.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('layerNorm', gridSource + rowSumSource + normSource + source, [
  'read',
  'read',
  'read',
  'write',
]);

/** (x - mean) / sqrt(variance + eps) * weight + bias, row by row.  x: (rows, cols), weight, bias: (cols). */
export function layerNorm(
  recording: Recording,
  x: GpuTensor,
  weight: GpuTensor,
  bias: GpuTensor,
  eps: number,
): GpuTensor {
  const [rows = 0, cols = 0] = x.shape;
  check(
    weight.shape[0] === cols && bias.shape[0] === cols,
    () => `layerNorm: weight is (${weight.shape}), bias is (${bias.shape}), x is (${x.shape})`,
  );
  const y = recording.tensor(x.shape);
  const storages = [x.storage, weight.storage, bias.storage, y.storage];
  recording.dispatch(kernel({ WORKGROUP }), storages, [u32(rows), u32(cols), f32(eps)], grid(rows));
  return y;
}
