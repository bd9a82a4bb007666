import source from './gelu.wgsl';
import gridSource from '../device/grid.wgsl';
import type { Gelu } from '../../ops.ts';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import { type GpuTensor, values } from '../device/tensor.ts';

const kernel = defineKernel('gelu', gridSource + source, ['read', 'write']);

/** Value by value (see Gelu). */
export function gelu(recording: Recording, x: GpuTensor, kind: Gelu): GpuTensor {
  const y = recording.tensor(x.shape);
  const count = values(x.shape);
  const constants = { WORKGROUP, EXACT: kind === 'erf' ? 1 : 0 };
  recording.dispatch(kernel(constants), [x.storage, y.storage], [u32(count)], grid(Math.ceil(count / WORKGROUP)));
  return y;
}
