import source from './headNorm.wgsl';
import rowSumSource from './rowSum.wgsl';
import gridSource from '../device/grid.wgsl';
import type { AttentionShape, HeadNorms } from '../../ops.ts';
import { checkHeadNorm } from '../../shared/headNorm.ts';
import { defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('headNorm', gridSource + rowSumSource + source, ['read', 'read', 'read', 'write']);

/** A head has some 64 to 128 dimensions. */
const THREADS = 32;

/** rmsNorm of each head of q and k; v is copied.  qkv: (tokens, (heads + 2 kvHeads) headDim), norms: (headDim). */
export function headNorm(
  recording: Recording,
  qkv: GpuTensor,
  norms: HeadNorms<GpuTensor>,
  shape: AttentionShape,
  eps: number,
): GpuTensor {
  const items = checkHeadNorm(qkv, norms, shape);
  const y = recording.tensor(qkv.shape);
  const storages = [qkv.storage, norms.q.storage, norms.k.storage, y.storage];
  const { heads, kvHeads, headDim } = shape;
  const params = [u32(items), u32(heads), u32(kvHeads), u32(headDim), f32(eps)];
  recording.dispatch(kernel({ WORKGROUP: THREADS }), storages, params, grid(items));
  return y;
}
