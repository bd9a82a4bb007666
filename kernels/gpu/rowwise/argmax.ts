import source from './argmax.wgsl';
import gridSource from '../device/grid.wgsl';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('argmax', gridSource + source, ['read', 'write']);

/** Per row the id of the largest value (the lowest id on ties) and its log-probability.  (rows, cols) -> (rows, 2). */
export function argmax(recording: Recording, logits: GpuTensor): GpuTensor {
  const [rows = 0, cols = 0] = logits.shape;
  const y = recording.tensor([rows, 2]);
  recording.dispatch(kernel({ WORKGROUP }), [logits.storage, y.storage], [u32(rows), u32(cols)], grid(rows));
  return y;
}
