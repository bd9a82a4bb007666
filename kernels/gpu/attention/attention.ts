import mergeSource from './attentionMerge.wgsl';
import pagesSource from './pages.wgsl';
import splitSource from './attentionSplit.wgsl';
import tiledSource from './attentionTiled.wgsl';
import visibleSource from './visible.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { type AttentionOptions, type KvView, type Sparsity, PAGE_TOKENS } from '../../ops.ts';
import { visibleBlocks } from '../../sparsity.ts';
import { type Scalar, WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import { poolOf } from './kvPool.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor, Storage } from '../device/tensor.ts';

const before = pagesSource + visibleSource;
const inputs = ['read', 'read', 'read', 'read'] as const;
const split = defineKernel('attentionSplit', before + splitSource, [...inputs, 'write', 'write']);
const merge = defineKernel('attentionMerge', gridSource + mergeSource, ['read', 'read', 'write']);
const tiled = defineKernel('attentionTiled', before + tiledSource, [...inputs, 'write']);

/** Up to here a workgroup per token keeps more of a GPU busy than tiles of TILE tokens. */
const FEW_TOKENS = 4;
const TILE = 16; // in attentionTiled.wgsl
/** Workgroups that keep a large GPU busy; beyond it, splitting the keys further only costs more merging. */
const ENOUGH_GROUPS = 512;
/** Bounds the memory of split results: it grows with FEW_TOKENS x MOST_SPLITS, not with positions. */
const MOST_SPLITS = 64;
/** Units of keys that make up for a way more in a workgroup, and those that do for a split, which costs a dispatch more. */
const WAY_UNITS = 2;
const SPLIT_UNITS = 16;
const MOST_WAYS = 4;
/** No sequence is longer, and position + window stays within 32 bits. */
const LARGEST_WINDOW = 2 ** 30;
/** Every block is local. */
const DENSE: Sparsity = { blockTokens: PAGE_TOKENS, localBlocks: LARGEST_WINDOW, vertStride: 1, headStep: 0 };

/** softmax(scale q k^T) v over the positions each token sees.  q: (tokens, heads headDim) -> the same. */
export function attention(
  recording: Recording,
  q: GpuTensor,
  kv: KvView,
  layer: number,
  options: AttentionOptions,
): GpuTensor {
  const { heads, headDim, scale, sparsity = DENSE } = options;
  const [tokens = 0, width] = q.shape;
  check(width === heads * headDim, () => `attention: q is (${q.shape}) for ${heads} heads of ${headDim}`);
  check(options.window >= 1, () => `attention: window ${options.window}`);
  const pool = poolOf(kv, options);
  const { keys, values } = pool.pagesOf(kv, layer, tokens);
  const read = [keys, values, recording.indices(kv.pages), q.storage];
  const constants = { HEADS: heads, ...pool.constants, ...sparsityConstants(sparsity) };
  const window = Math.min(options.window, LARGEST_WINDOW);
  const ahead = options.bidirectional ? tokens : 0;
  const params = (splits: number): Scalar[] => {
    return [...[tokens, kv.length, window, splits].map(u32), f32(scale), u32(ahead)];
  };
  const y = recording.tensor(q.shape);
  const units = unitsSeen(kv.length + tokens - 1, window, sparsity);
  if (tokens > FEW_TOKENS) {
    const tiles = Math.floor((kv.length + tokens - 1) / TILE) - Math.floor(kv.length / TILE) + 1;
    recording.dispatch(tiled(constants), [...read, y.storage], params(1), [tiles, heads, 1], units);
    return y;
  }
  const wanted = Math.max(1, Math.ceil(ENOUGH_GROUPS / (heads * tokens)));
  const splits = Math.min(wanted, MOST_SPLITS, Math.ceil(units / SPLIT_UNITS));
  const ways = units / splits > WAY_UNITS ? MOST_WAYS : 1;
  const stats = recording.storage(tokens * heads * splits * 8);
  const mix: Storage = splits === 1 ? y.storage : recording.storage(tokens * heads * splits * headDim * 4);
  const kernel = split({ ...constants, WAYS: ways });
  recording.dispatch(kernel, [...read, mix, stats], params(splits), [heads, splits, tokens], units / splits / ways);
  if (splits > 1) {
    const rows = tokens * heads;
    const quads = headDim / 4;
    const groups = grid(Math.ceil((rows * quads) / WORKGROUP));
    recording.dispatch(merge({ WORKGROUP }), [mix, stats, y.storage], [rows, splits, quads].map(u32), groups);
  }
  return y;
}

function sparsityConstants({ blockTokens, localBlocks, vertStride, headStep }: Sparsity): Record<string, number> {
  check(
    Number.isInteger(Math.log2(blockTokens)) && blockTokens >= TILE && localBlocks >= 1 && vertStride >= 1,
    () => `attention: blocks of ${blockTokens}, ${localBlocks} local, every ${vertStride}-th vertical`,
  );
  return { BLOCK: blockTokens, LOCAL_BLOCKS: localBlocks, VERT_STRIDE: vertStride, HEAD_STEP: headStep % vertStride };
}

/** About as many units of keys (visible.wgsl) as a head sees from position `last`; no less than one. */
function unitsSeen(last: number, window: number, sparsity: Sparsity): number {
  const { blockTokens } = sparsity;
  const unit = Math.min(blockTokens, PAGE_TOKENS);
  const inWindow = Math.floor(last / unit) - Math.floor(Math.max(0, last + 1 - window) / unit) + 1;
  return Math.min(inWindow, (visibleBlocks(Math.floor(last / blockTokens), 0, sparsity).count * blockTokens) / unit);
}
