import source from './siluMul.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { gatedProduct } from '../joined/joined.ts';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('siluMul', gridSource + source, ['read', 'write']);

/** gateUp: (rows, 2 width), gate first -> up * gate * sigmoid(gate): (rows, width). */
export function siluMul(recording: Recording, gateUp: GpuTensor): GpuTensor {
  const [rows = 0, both = 0] = gateUp.shape;
  check(both % 2 === 0, () => `siluMul: gateUp is (${gateUp.shape})`);
  const gated = gatedProduct(recording, gateUp);
  if (gated) return gated;
  const width = both / 2;
  const y = recording.tensor([rows, width]);
  const groups = grid(Math.ceil((rows * width) / WORKGROUP));
  recording.dispatch(kernel({ WORKGROUP }), [gateUp.storage, y.storage], [u32(rows), u32(width)], groups);
  return y;
}
