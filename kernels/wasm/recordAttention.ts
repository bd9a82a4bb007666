import type { AttentionShape } from '../ops.ts';
import { Opcode, PAGE_SIZE, QUERY_ROWS } from './opcodes.ts';
import { type Recording, share } from './recording.ts';
import type { Storage, WasmTensor } from './tensor.ts';

export interface AttentionWords extends AttentionShape {
  readonly pages: Storage;
  readonly dtype: number;
  readonly layer: number;
  readonly position: number;
  readonly window: number;
}

/** Tasks that a thread should find, so that none waits long for the others; keys are split where heads are too few. */
const TASKS_PER_THREAD = 3;

/** q: (tokens, heads headDim) -> the same shape. See assembly/attention.ts. */
export function recordAttention(recording: Recording, q: WasmTensor, shape: AttentionWords): WasmTensor {
  const { program, threads } = recording;
  const { heads, kvHeads, headDim, position, layer, pages, dtype } = shape;
  const tokens = q.shape[0]!;
  const window = Math.min(shape.window, 2 ** 30);
  const rows = tokens * (heads / kvHeads);
  const tasks = kvHeads * Math.ceil(rows / QUERY_ROWS);
  const visiblePages = Math.ceil(Math.min(position + tokens, window) / PAGE_SIZE);
  const splits = Math.max(1, Math.min(visiblePages, Math.ceil((TASKS_PER_THREAD * threads) / tasks)));
  const y = program.tensor(q.shape);
  const partial = splits > 1 ? program.storage(kvHeads * rows * splits * (headDim + 4) * 4) : 0;
  const words = [q, y, pages, heads, kvHeads, headDim, position, dtype, layer, window, tokens, splits, partial];
  const scratch = 4 * (2 * PAGE_SIZE * headDim + QUERY_ROWS * (PAGE_SIZE + 2 * headDim + 2));
  program.add({ opcode: Opcode.attention, items: tasks * splits, grain: 1, words, scratch });
  if (splits > 1) {
    const items = kvHeads * rows;
    program.add({ opcode: Opcode.attentionCombine, items, grain: share(items, threads, 1), words, scratch });
  }
  return y;
}
