import mergeSource from './attentionMerge.wgsl';
import gridSource from '../device/grid.wgsl';
import { check } from '../../check.ts';
import { type AttentionOptions, type KvView, type Sparsity, PAGE_TOKENS } from '../../ops.ts';
import { visibleBlocks } from '../../sparsity.ts';
import { type Kernel, type Scalar, WORKGROUP, defineKernel, f32, grid, u32 } from '../device/kernel.ts';
import { type AttentionChoice, SHORT } from './choice.ts';
import { type GpuKvPool, poolOf } from './kvPool.ts';
import { type Recording, piecesOf } from '../device/recording.ts';
import type { GpuTensor, Storage } from '../device/tensor.ts';

const merge = defineKernel('attentionMerge', gridSource + mergeSource, ['read', 'read', 'write']);

/** Up to here a workgroup per token keeps more of a GPU busy than tiles of tokens. */
export const FEW_TOKENS = 4;
/** LAST of attentionTiled.wgsl. */
const TO_THE_END = 2 ** 32 - 1;
/** Workgroups that keep a large GPU busy; beyond it, splitting the keys further only costs more merging. */
const ENOUGH_GROUPS = 512;
/** Bounds the memory of split results: it grows with FEW_TOKENS x MOST_SPLITS, not with positions. */
const MOST_SPLITS = 64;
/** Units of keys that make up for a way more in a workgroup. */
const WAY_UNITS = 2;
/** Of a query and a key, for each dimension: one for the score, one for the value. */
const MACS_PER_PAIR = 2;
/** Nothing smaller can be bound. */
const QUAD_BYTES = 16;
const SMALLEST_BLOCK = 16;
/** No sequence is longer, and position + window stays within 32 bits. */
const LARGEST_WINDOW = 2 ** 30;
/** Every block is local. */
const DENSE: Sparsity = { blockTokens: PAGE_TOKENS, localBlocks: LARGEST_WINDOW, vertStride: 1, headStep: 0 };

/** softmax(scale q k^T) v over the positions each token sees.  q: (tokens, heads headDim) -> the same. */
export function attention(
  recording: Recording,
  variants: AttentionChoice,
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
  const constants = constantsOf(pool, heads, options.sparsity);
  const window = Math.min(options.window, LARGEST_WINDOW);
  const ahead = options.bidirectional ? tokens : 0;
  const params = (splits: number, column: number, line: number, firstUnit = 0, pastUnit = TO_THE_END): Scalar[] => {
    const range = [column, line, firstUnit, pastUnit].map(u32);
    return [...[tokens, kv.length, window, splits].map(u32), f32(scale), u32(ahead), ...range];
  };
  const y = recording.tensor(q.shape);
  const units = unitsSeen(kv.length + tokens - 1, window, sparsity);
  const unitMacs = MACS_PER_PAIR * headDim * Math.min(sparsity.blockTokens, PAGE_TOKENS); // Of a token.
  const isLong = units * Math.min(sparsity.blockTokens, PAGE_TOKENS) > SHORT;
  const kind = { ...pool.layout, heads, sparsity: options.sparsity, isLong };
  if (tokens > FEW_TOKENS) {
    const { kernel, tile, stateBytes } = variants.of({ ...kind, phase: 'prefill' });
    const tiles = Math.floor((kv.length + tokens - 1) / tile) - Math.floor(kv.length / tile) + 1;
    dispatchTiled(recording, kernel(constants), [...read, y.storage], {
      tiles: [tiles, heads],
      units,
      unitMacs: tile * unitMacs,
      stateBytes,
      paramsOf: (...range) => params(1, ...range),
    });
    return y;
  }
  const variant = variants.of({ ...kind, phase: 'decode' });
  const wanted = Math.max(1, Math.ceil(ENOUGH_GROUPS / (heads * tokens)));
  const splits = Math.min(wanted, MOST_SPLITS, Math.ceil(units / variant.splitUnits));
  const ways = units / splits > WAY_UNITS ? variant.mostWays : 1;
  const stats = recording.storage(tokens * heads * splits * 8);
  const mix: Storage = splits === 1 ? y.storage : recording.storage(tokens * heads * splits * headDim * 4);
  recording.dispatchTiles(
    variant.kernel(constants, ways),
    [...read, mix, stats],
    (column, line) => params(splits, column, line),
    [heads, splits * tokens],
    Math.ceil(units / splits) * unitMacs,
  );
  if (splits > 1) {
    const rows = tokens * heads;
    const quads = headDim / 4;
    const groups = grid(Math.ceil((rows * quads) / WORKGROUP));
    recording.dispatch(merge({ WORKGROUP }), [mix, stats, y.storage], [rows, splits, quads].map(u32), groups);
  }
  return y;
}

interface Tiles {
  readonly tiles: readonly [number, number];
  /** That a tile sees at most, and the multiply-adds of one. */
  readonly units: number;
  readonly unitMacs: number;
  /** Of a tile, where its units are some dispatches. */
  readonly stateBytes: number;
  paramsOf(column: number, line: number, firstUnit: number, pastUnit: number): readonly Scalar[];
}

/** Some tiles at a time, and of their units some at a time where even the fewest tiles would take too long. */
function dispatchTiled(
  recording: Recording,
  kernel: Kernel,
  storages: readonly Storage[],
  { tiles, units, unitMacs, stateBytes, paramsOf }: Tiles,
): void {
  const { budget } = recording;
  for (const piece of piecesOf(tiles, budget.tilesFor(units * unitMacs, tiles))) {
    const { column, line, columns, lines } = piece;
    const turnMacs = columns * lines * unitMacs;
    const turns = Math.max(1, Math.floor(budget.mostMacs / turnMacs));
    const states = recording.storage(turns < units ? columns * lines * stateBytes : QUAD_BYTES);
    for (let first = 0; first < units; first += turns) {
      const past = first + turns < units ? first + turns : TO_THE_END;
      const macs = Math.min(turns, units - first) * turnMacs;
      recording.dispatch(kernel, [...storages, states], paramsOf(column, line, first, past), [columns, lines, 1], macs);
    }
  }
}

/** Of the kernels that the variants define. */
export function constantsOf(pool: GpuKvPool, heads: number, sparsity: Sparsity = DENSE): Record<string, number> {
  return { HEADS: heads, ...pool.constants, ...sparsityConstants(sparsity) };
}

function sparsityConstants({ blockTokens, localBlocks, vertStride, headStep }: Sparsity): Record<string, number> {
  check(
    Number.isInteger(Math.log2(blockTokens)) && blockTokens >= SMALLEST_BLOCK && localBlocks >= 1 && vertStride >= 1,
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
