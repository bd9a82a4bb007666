import source from './rmsNorm.wgsl';
import normSource from './norm.wgsl';
import rowSumSource from './rowSum.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('rmsNorm', gridSource + rowSumSource + normSource + source, ['read', 'read', 'write']);

/** x / sqrt(mean(x^2) + eps) * weight, row by row.  x: (rows, cols), weight: (cols). A matvec does it by itself. */
export function rmsNorm(recording: Recording, x: GpuTensor, weight: GpuTensor, eps: number): GpuTensor {
  const [rows = 0, cols = 0] = x.shape;
  check(weight.shape[0] === cols, () => `rmsNorm: weight is (${weight.shape}), x is (${x.shape})`);
  const y = recording.tensor(x.shape);
  const storages = [x.storage, weight.storage, y.storage];
  recording.dispatch(kernel({ WORKGROUP }), storages, [u32(rows), u32(cols), f32(eps)], grid(rows));
  return { ...y, made: { by: 'rmsNorm', x, norm: { weight, eps }, since: recording.operations.length } };
}
