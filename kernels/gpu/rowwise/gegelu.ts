import source from './gegelu.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('gegelu', gridSource + source, ['read', 'write']);

/** x: (rows, 2 width), gate a and linear l interleaved and limited -> a sigmoid(1.702 a) (l + 1): (rows, width). */
export function gegelu(recording: Recording, x: GpuTensor, limit: number): GpuTensor {
  const [rows = 0, both = 0] = x.shape;
  check(both % 2 === 0, () => `gegelu: x is (${x.shape})`);
  const y = recording.tensor([rows, both / 2]);
  const count = (rows * both) / 2;
  const groups = grid(Math.ceil(count / WORKGROUP));
  recording.dispatch(kernel({ WORKGROUP }), [x.storage, y.storage], [u32(count), f32(limit)], groups);
  return y;
}
