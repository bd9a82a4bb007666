import source from './appendKv.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { type AttentionShape, type KvView, type QkvOrder, PAGE_TOKENS } from '../../ops.ts';
import { WORKGROUP, defineKernel, grid, u32 } from '../device/kernel.ts';
import { appendedProduct } from '../joined/joined.ts';
import { poolOf } from './kvPool.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor } from '../device/tensor.ts';

const kernel = defineKernel('appendKv', gridSource + source, ['read', 'read', 'read', 'write', 'write', 'write']);
const LANES = 16; // in appendKv.wgsl

/** Rotates q and k, stores k and v at positions kv.length..; returns the rotated q: (tokens, heads headDim). */
export function appendKv(
  recording: Recording,
  qkv: GpuTensor,
  rope: GpuTensor,
  kv: KvView,
  layer: number,
  shape: AttentionShape & { readonly order: QkvOrder },
): GpuTensor {
  const { heads, kvHeads, headDim, order } = shape;
  const [tokens = 0, width] = qkv.shape;
  check(
    width === (heads + 2 * kvHeads) * headDim,
    () => `appendKv: qkv is (${qkv.shape}) for ${heads} + 2 x ${kvHeads} heads of ${headDim}`,
  );
  check(
    rope.shape[0] === tokens && rope.shape[1] === headDim,
    () => `appendKv: rope is (${rope.shape}), qkv is (${qkv.shape})`,
  );
  const pool = poolOf(kv, shape);
  const { keys, values } = pool.pagesOf(kv, layer, tokens);
  const q = recording.tensor([tokens, heads * headDim]);
  if (tokens === 1 && order === 'byKind' && pool.layout.dtype !== 'q8') {
    const [page, slot] = [kv.pages[Math.floor(kv.length / PAGE_TOKENS)]!, kv.length % PAGE_TOKENS];
    const constants = { HEADS: heads, ...pool.constants };
    if (appendedProduct(recording, qkv, { rope, q, keys, values, page, slot, constants })) return q;
  }
  const lines = tokens * (heads + 2 * kvHeads);
  recording.dispatch(
    kernel({ WORKGROUP, BY_GROUP: Number(order === 'byGroup'), HEADS: heads, ...pool.constants }),
    [qkv.storage, rope.storage, recording.indices(kv.pages), q.storage, keys, values],
    [u32(tokens), u32(kv.length)],
    grid(Math.ceil((lines * LANES) / WORKGROUP)),
  );
  return q;
}
