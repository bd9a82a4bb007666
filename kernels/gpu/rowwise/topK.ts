import source from './topK.wgsl';
import rowSumSource from './rowSum.wgsl';
import sums from './topKSums.wgsl';
import gridSource from '../device/grid.wgsl';
import { checkedK } from '../../shared/topK.ts';
import { WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const keepLargest = defineKernel('topK', gridSource + source, ['read', 'write']);
const addSums = defineKernel('topKSums', gridSource + rowSumSource + sums, ['read', 'read', 'write']);

/** Entries that a workgroup sorts, 8 bytes each; at least twice as many as it may keep. */
const CHUNK = 2048;

/**
 * Per row k ids (largest value first, lowest id first on ties), their values, log(sum(exp(x - largest))) and
 * log(sum(exp((x - largest) inverseTemperature))).  (rows, cols) -> (rows, 2 k + 2).
 */
export function topK(recording: Recording, logits: GpuTensor, most: number, inverseTemperature: number): GpuTensor {
  const [rows = 0, cols = 0] = logits.shape;
  const k = checkedK(logits, most, inverseTemperature);
  let sorted = logits.storage;
  for (let count = cols; sorted === logits.storage || count > k;) {
    const chunks = Math.ceil(count / CHUNK);
    const kept = recording.storage(rows * chunks * k * 8);
    const kernel = keepLargest({ WORKGROUP, CHUNK, FIRST: Number(sorted === logits.storage) });
    const sizes = [rows, count, chunks, k].map(u32);
    recording.dispatch(kernel, [sorted, kept], sizes, grid(rows * chunks));
    sorted = kept;
    count = chunks * k;
  }
  const y = recording.tensor([rows, 2 * k + 2]);
  const params = [u32(rows), u32(cols), u32(k), f32(inverseTemperature)];
  recording.dispatch(addSums({ WORKGROUP }), [logits.storage, sorted, y.storage], params, grid(rows));
  return y;
}
