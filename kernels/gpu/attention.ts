import mergeSource from './attentionMerge.wgsl';
import pagesSource from './pages.wgsl';
import splitSource from './attentionSplit.wgsl';
import tiledSource from './attentionTiled.wgsl';
import { check } from '../check.ts';
import { type AttentionShape, type KvView, PAGE_TOKENS } from '../ops.ts';
import { type Scalar, WORKGROUP, defineKernel, f32, grid, u32 } from './kernel.ts';
import { poolOf } from './kvPool.ts';
import type { Recording } from './recording.ts';
import type { GpuTensor, Storage } from './tensor.ts';

const split = defineKernel('attentionSplit', pagesSource + splitSource, [
  'read',
  'read',
  'read',
  'read',
  'write',
  'write',
]);
const merge = defineKernel('attentionMerge', mergeSource, ['read', 'read', 'write']);
const tiled = defineKernel('attentionTiled', pagesSource + tiledSource, ['read', 'read', 'read', 'read', 'write']);

/** Up to here a workgroup per token keeps more of a GPU busy than tiles of TILE tokens. */
const FEW_TOKENS = 4;
const TILE = 16; // in attentionTiled.wgsl
/** Workgroups that keep a large GPU busy; beyond it, splitting the keys further only costs more merging. */
const ENOUGH_GROUPS = 512;
/** Bounds the memory of split results: it grows with FEW_TOKENS x MOST_SPLITS, not with positions. */
const MOST_SPLITS = 64;
/** No sequence is longer, and position + window stays within 32 bits. */
const LARGEST_WINDOW = 2 ** 30;

/** softmax(q k^T / sqrt(headDim)) v over the positions each token sees.  q: (tokens, heads headDim) -> the same. */
export function attention(
  recording: Recording,
  q: GpuTensor,
  kv: KvView,
  layer: number,
  options: AttentionShape & { readonly window: number },
): GpuTensor {
  const { heads, kvHeads, headDim } = options;
  const [tokens = 0, width] = q.shape;
  check(width === heads * headDim, () => `attention: q is (${q.shape}) for ${heads} heads of ${headDim}`);
  check(options.window >= 1, () => `attention: window ${options.window}`);
  const pool = poolOf(kv, options);
  const { keys, values } = pool.pagesOf(kv, layer, tokens);
  const inputs = [keys, values, recording.indices(kv.pages), q.storage];
  const constants = { HEADS: heads, KV_HEADS: kvHeads, HEAD_DIM: headDim, KV_F16: Number(pool.isF16) };
  const window = Math.min(options.window, LARGEST_WINDOW);
  const params = (splits: number, pagesPerSplit: number): Scalar[] => [
    ...[tokens, kv.length, window, splits, pagesPerSplit].map(u32),
    f32(1 / Math.sqrt(headDim)),
  ];
  const y = recording.tensor(q.shape);
  if (tokens > FEW_TOKENS) {
    recording.dispatch(tiled(constants), [...inputs, y.storage], params(1, 0), [Math.ceil(tokens / TILE), heads, 1]);
    return y;
  }
  const { splits, pagesPerSplit } = splitPages(kv.length, tokens, window, heads);
  const stats = recording.storage(tokens * heads * splits * 8);
  const mix: Storage = splits === 1 ? y.storage : recording.storage(tokens * heads * splits * headDim * 4);
  recording.dispatch(split(constants), [...inputs, mix, stats], params(splits, pagesPerSplit), [heads, splits, tokens]);
  if (splits > 1) {
    const rows = tokens * heads;
    const quads = headDim / 4;
    const groups = grid(Math.ceil((rows * quads) / WORKGROUP));
    recording.dispatch(merge({ WORKGROUP }), [mix, stats, y.storage], [rows, splits, quads].map(u32), groups);
  }
  return y;
}

/** Every token's pages are counted from the first it sees, so the pages of the token that sees most are enough. */
function splitPages(
  length: number,
  tokens: number,
  window: number,
  heads: number,
): { splits: number; pagesPerSplit: number } {
  const last = length + tokens - 1;
  const pages = Math.floor(last / PAGE_TOKENS) - Math.floor(Math.max(0, length + 1 - window) / PAGE_TOKENS) + 1;
  const wanted = Math.min(pages, MOST_SPLITS, Math.max(1, Math.ceil(ENOUGH_GROUPS / (heads * tokens))));
  const pagesPerSplit = Math.ceil(pages / wanted);
  return { splits: Math.ceil(pages / pagesPerSplit), pagesPerSplit };
}
