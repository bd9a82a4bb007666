import type { AttentionOptions } from '../../ops.ts';
import { AttentionPart, FEW_TOKENS, Opcode, PAGE_SIZE, QUERY_ROWS } from '../opcodes.ts';
import { floatWord } from './program.ts';
import { type Recording, cheapGrain } from './recording.ts';
import type { Storage, WasmTensor } from './tensor.ts';

export interface AttentionWords extends AttentionOptions {
  readonly pages: Storage;
  readonly dtype: number;
  readonly layer: number;
  readonly position: number;
}

/** One operation's share of the work: an item takes so many tokens and heads, and a share of the visible blocks. */
interface Part {
  readonly part: AttentionPart;
  readonly tileTokens: number;
  readonly tileHeads: number;
  readonly items: number;
  readonly splits: number;
}

/** Tasks that a thread should find, so that none waits long for the others; keys are split where heads are too few. */
const TASKS_PER_THREAD = 3;

/** q: (tokens, heads headDim) -> the same shape. See assembly/attention.ts. */
export function recordAttention(recording: Recording, q: WasmTensor, shape: AttentionWords): WasmTensor {
  const { program, threads } = recording;
  const { heads, kvHeads, headDim, sparsity, pages } = shape;
  const tokens = q.shape[0]!;
  const parts = sparsity ? sparseParts(shape, tokens, threads) : [densePart(shape, tokens, threads)];
  const splits = parts.reduce((sum, part) => sum + part.splits, 0);
  const y = program.tensor(q.shape);
  const partial = splits > 1 ? program.storage(tokens * heads * splits * (headDim + 4) * 4) : 0;
  const { position, dtype, layer, scale } = shape;
  const window = Math.min(shape.window, 2 ** 30);
  const blocks = sparsity
    ? [sparsity.blockTokens, sparsity.localBlocks, sparsity.vertStride, sparsity.headStep]
    : [0, 0, 0, 0];
  const ahead = shape.bidirectional ? tokens : 0;
  const sizes = [heads, kvHeads, headDim, position, tokens, dtype, layer, window, floatWord(scale), splits];
  const list = [...sizes, ...blocks, ahead];
  const parameters = program.storage(4 * list.length, Int32Array.from(list));
  const common = [q, y, pages, partial, parameters];
  const scratch = 4 * (PAGE_SIZE * headDim + QUERY_ROWS * (PAGE_SIZE + 2 * headDim + 4));
  let first = 0;
  for (const { part, tileTokens, tileHeads, items, splits } of parts) {
    const words = [...common, tileTokens, tileHeads, part, splits, first];
    program.add({ opcode: Opcode.attention, items: items * splits, grain: 1, words, scratch });
    first += splits;
  }
  if (splits > 1) {
    const items = tokens * heads;
    const grain = cheapGrain(items * splits * headDim, items, threads, 1);
    program.add({ opcode: Opcode.attentionCombine, items, grain, words: common, scratch });
  }
  return y;
}

/** The heads of a group share what they read. */
function densePart({ heads, kvHeads, position, window }: AttentionWords, tokens: number, threads: number): Part {
  const group = heads / kvHeads;
  const tileHeads = Math.min(group, QUERY_ROWS);
  const tileTokens = Math.floor(QUERY_ROWS / tileHeads);
  const items = Math.ceil(tokens / tileTokens) * kvHeads * Math.ceil(group / tileHeads);
  // Few tokens are split as one token is: the split of a row's keys must not depend on the rows beside it.
  const few = tokens <= FEW_TOKENS;
  const units = few ? Infinity : Math.ceil(Math.min(position + tokens, window) / PAGE_SIZE);
  const splits = splitsOf(few ? kvHeads * Math.ceil(group / tileHeads) : items, units, threads);
  return { part: AttentionPart.all, tileTokens, tileHeads, items, splits };
}

/**
 * Heads of a group see the same local blocks but other vertical ones. Few tokens: the heads of a group share the reading
 * of local blocks, each then takes its own vertical ones. Many: a head's tokens fill an item.
 */
function sparseParts(shape: AttentionWords, tokens: number, threads: number): Part[] {
  const { heads, kvHeads, position, sparsity } = shape;
  const { blockTokens, localBlocks, vertStride } = sparsity!;
  const perBlock = Math.max(1, blockTokens / PAGE_SIZE);
  const blocks = Math.floor((position + tokens - 1) / blockTokens) + 1;
  const local = Math.min(blocks, localBlocks) * perBlock;
  const vertical = Math.ceil(Math.max(0, blocks - localBlocks) / vertStride) * perBlock;
  const tiles = (size: number) => Math.floor((position + tokens - 1) / size) - Math.floor(position / size) + 1;
  const few = tokens <= FEW_TOKENS;
  const split = (items: number, size: number, units: number) =>
    few ? splitsOf(items / tiles(size), Infinity, threads) : splitsOf(items, units, threads);

  const group = heads / kvHeads;
  const tileHeads = Math.min(group, QUERY_ROWS);
  const tileTokens = 2 ** Math.floor(Math.log2(QUERY_ROWS / tileHeads)); // Divides every block.
  const own = { tileTokens: QUERY_ROWS, tileHeads: 1, items: tiles(QUERY_ROWS) * heads };
  if (tokens > FEW_TOKENS || group === 1) {
    return [{ part: AttentionPart.all, ...own, splits: split(own.items, QUERY_ROWS, local + vertical) }];
  }
  const items = tiles(tileTokens) * kvHeads * Math.ceil(group / tileHeads);
  const shared = { part: AttentionPart.local, tileTokens, tileHeads, items, splits: split(items, tileTokens, local) };
  if (vertical === 0) return [shared];
  return [shared, { part: AttentionPart.vertical, ...own, splits: split(own.items, QUERY_ROWS, vertical) }];
}

function splitsOf(items: number, units: number, threads: number): number {
  return Math.max(1, Math.min(units, Math.ceil((TASKS_PER_THREAD * threads) / items)));
}
