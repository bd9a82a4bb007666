import source from './gatherRows.wgsl';
import gridSource from '../device/grid.wgsl';
import { checkGatherRows } from '../../shared/rows.ts';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import { type GpuTensor, values } from '../device/tensor.ts';

const kernel = defineKernel('gatherRows', gridSource + source, ['read', 'read', 'write']);

/** Rows `ids` of x, `side` of them side by side. x: (rows, cols) -> (ids.length / side, side cols). */
export function gatherRows(recording: Recording, x: GpuTensor, ids: readonly number[], side: number): GpuTensor {
  const y = recording.tensor(checkGatherRows(x, ids, side));
  const count = values(y.shape);
  const storages = [x.storage, recording.indices(ids), y.storage];
  const params = [count, x.shape[1]!].map(u32);
  recording.dispatch(kernel({ WORKGROUP }), storages, params, grid(Math.ceil(count / WORKGROUP)));
  return y;
}
