import embedSource from './embed.wgsl';
import weightSource from './weight.wgsl';
import gridSource from '../device/grid.wgsl';
import type { Recording } from '../device/recording.ts';
import { check } from '../../check.ts';
import { WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { GpuTensor, GpuWeight } from '../device/tensor.ts';
import { formatConstants, scaleWords } from '../packing/layout.ts';

const kernel = defineKernel('embed', gridSource + weightSource + embedSource, ['read', 'read', 'read', 'write']);

/** Rows `ids` of table (vocabulary, hidden), times `scale` -> (ids.length, hidden). */
export function embed(recording: Recording, table: GpuWeight, ids: readonly number[], scale: number): GpuTensor {
  const [vocabulary, cols] = table.shape;
  check(
    ids.every((id) => id >= 0 && id < vocabulary),
    () => `embed: id ${ids.find((id) => !(id >= 0 && id < vocabulary))} of (${table.shape})`,
  );
  const y = recording.tensor([ids.length, cols]);
  const list = recording.indices(ids);
  const quads = Math.ceil(cols / 4);
  for (const { blocks, scales, firstRow, rows } of table.parts) {
    recording.dispatch(
      kernel({ ...formatConstants(table.dtype), WORKGROUP }),
      [blocks, scales, list, y.storage],
      [...[ids.length, cols, quads, firstRow, rows, scaleWords(cols, table.dtype)].map(u32), f32(scale)],
      grid(Math.ceil((ids.length * quads) / WORKGROUP)),
    );
  }
  return y;
}
