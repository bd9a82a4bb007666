import source from './maskedScale.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import { type GpuTensor, values } from '../device/tensor.ts';

const kernel = defineKernel('maskedScale', gridSource + source, ['read', 'read', 'write']);

/** x * factor where mask is 1, -MAX_F32 where it is 0.  x: (rows, cols), mask: (cols). */
export function maskedScale(recording: Recording, x: GpuTensor, mask: GpuTensor, factor: number): GpuTensor {
  const cols = x.shape[1]!;
  check(mask.shape[0] === cols, () => `maskedScale: mask is (${mask.shape}), x is (${x.shape})`);
  const y = recording.tensor(x.shape);
  const count = values(x.shape);
  recording.dispatch(
    kernel({ WORKGROUP }),
    [x.storage, mask.storage, y.storage],
    [u32(count), u32(cols), f32(factor)],
    grid(Math.ceil(count / WORKGROUP)),
  );
  return y;
}
