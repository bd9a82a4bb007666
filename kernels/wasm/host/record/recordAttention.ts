import { check } from '../../../check.ts';
import type { AttentionOptions, AttentionShape, QkvOrder, Sparsity, Tensor } from '../../../ops.ts';
import {
  AttentionPart,
  DTypeCode,
  FEW_TOKENS,
  MOST_Q8_HEAD_DIM,
  Opcode,
  PAGE_SIZE,
  QUERY_ROWS,
} from '../../opcodes.ts';
import { floatWord } from '../program.ts';
import { type Recording, cheapGrain } from './recording.ts';
import { asWasm, type Storage, type WasmTensor } from '../tensor.ts';

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

/** `pages` is the list of WasmKvPool.listOf, `layer` the index of the layer in the bank. */
export function recordAppendKv(
  { program, threads }: Recording,
  qkv: Tensor,
  rope: Tensor,
  pages: Storage,
  dtype: number,
  layer: number,
  shape: AttentionShape & { readonly order: QkvOrder },
): WasmTensor {
  const { heads, kvHeads, headDim, order } = shape;
  const [tokens, width] = qkv.shape as readonly [number, number];
  const slots = heads + 2 * kvHeads;
  check(width === slots * headDim, () => `appendKv: qkv is (${qkv.shape}), heads want ${slots} x ${headDim}`);
  check(rope.shape[0] === tokens && rope.shape[1] === headDim, () => `appendKv: rope is (${rope.shape})`);
  const q = program.tensor([tokens, heads * headDim]);
  const sizes = [heads, kvHeads, headDim, dtype, layer, order === 'byGroup' ? 1 : 0];
  const words = [asWasm(qkv), asWasm(rope), q, pages, ...sizes];
  const items = tokens * slots;
  const grain = cheapGrain(tokens * width, items, threads, 4);
  program.add({ opcode: Opcode.appendKv, items, grain, words, scratch: 4 * headDim });
  return q;
}

/** Whether attention is cut into operations by its position, too. A token that is decoded densely is not. */
export function dependsOnPosition(tokens: number, { sparsity }: AttentionOptions): boolean {
  return tokens > FEW_TOKENS || sparsity !== undefined;
}

/**
 * q: (tokens, heads headDim) -> the same shape. `position` is given where the operations depend on it. See
 * assembly/attention.ts.
 */
export function recordAttention(
  { program, threads }: Recording,
  q: WasmTensor,
  pages: Storage,
  dtype: number,
  layer: number,
  shape: AttentionOptions,
  position: number | undefined,
): WasmTensor {
  const { heads, kvHeads, headDim, sparsity, scale } = shape;
  check(q.shape[1] === heads * headDim, () => `attention: q is (${q.shape}), heads want ${heads} x ${headDim}`);
  check(heads % kvHeads === 0, () => `attention: ${heads} heads do not share ${kvHeads} kv heads evenly`);
  check(dtype !== DTypeCode.q8 || headDim <= MOST_Q8_HEAD_DIM, () => {
    return `attention: headDim ${headDim}, an 8-bit cache can have ${MOST_Q8_HEAD_DIM}`;
  });
  const tokens = q.shape[0]!;
  const parts = sparsity
    ? sparseParts({ ...shape, sparsity, position: position! }, tokens, threads)
    : [densePart(shape, position, tokens, threads)];
  const splits = parts.reduce((sum, part) => sum + part.splits, 0);
  const y = program.tensor(q.shape);
  const partial = splits > 1 ? program.storage(tokens * heads * splits * (headDim + 4) * 4) : 0;
  const window = Math.min(shape.window, 2 ** 30);
  const blocks = sparsity
    ? [sparsity.blockTokens, sparsity.localBlocks, sparsity.vertStride, sparsity.headStep]
    : [0, 0, 0, 0];
  const ahead = shape.bidirectional ? tokens : 0;
  const sizes = [heads, kvHeads, headDim, tokens, dtype, layer, window, floatWord(scale), splits];
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

/**
 * The heads of a group share what they read. Few tokens are split as one token is: the split of a row's keys must not
 * depend on the rows beside it. They have no `position`, since it does not matter then.
 */
function densePart(
  { heads, kvHeads, window }: AttentionOptions,
  position: number | undefined,
  tokens: number,
  threads: number,
): Part {
  const group = heads / kvHeads;
  const tileHeads = Math.min(group, QUERY_ROWS);
  const tileTokens = Math.floor(QUERY_ROWS / tileHeads);
  const items = Math.ceil(tokens / tileTokens) * kvHeads * Math.ceil(group / tileHeads);
  const groups = kvHeads * Math.ceil(group / tileHeads);
  const splits =
    position === undefined
      ? splitsOf(groups, Infinity, threads)
      : splitsOf(items, Math.ceil(Math.min(position + tokens, window) / PAGE_SIZE), threads);
  return { part: AttentionPart.all, tileTokens, tileHeads, items, splits };
}

interface SparseOptions extends AttentionOptions {
  readonly sparsity: Sparsity;
  readonly position: number;
}

/**
 * Heads of a group see the same local blocks but other vertical ones. Few tokens: the heads of a group share the reading
 * of local blocks, each then takes its own vertical ones. Many: a head's tokens fill an item.
 */
function sparseParts(shape: SparseOptions, tokens: number, threads: number): Part[] {
  const { heads, kvHeads, position, sparsity } = shape;
  const { blockTokens, localBlocks, vertStride } = sparsity;
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
