/** Operations that take each row by itself. See Ops. */
import { check } from '../../../check.ts';
import type { AttentionShape, HeadNorms, Tensor } from '../../../ops.ts';
import { checkHeadNorm } from '../../../shared/headNorm.ts';
import { DTypeCode, FACTORS_BYTES, Opcode } from '../../opcodes.ts';
import { floatWord } from '../program.ts';
import { type Recording, cheapGrain, share } from './recording.ts';
import { asWasm, type Storage, type WasmTensor } from '../tensor.ts';
import { floatRowBytes } from '../weightLayout.ts';

/** `ids` holds the ids of `rows` rows. */
export function recordEmbed(
  { program }: Recording,
  table: WasmTensor,
  ids: Storage,
  rows: number,
  scale: number,
): WasmTensor {
  const cols = table.shape[1]!;
  const y = program.tensor([rows, cols]);
  const words = [table, ids, y, cols, DTypeCode[table.dtype], floatRowBytes(cols, table.dtype), floatWord(scale)];
  program.add({ opcode: Opcode.embed, items: rows, grain: 1, words, scratch: FACTORS_BYTES });
  return y;
}

export function recordRmsNorm({ program }: Recording, x: Tensor, weight: Tensor, eps: number): WasmTensor {
  const [rows, cols] = x.shape as readonly [number, number];
  check(weight.shape[0] === cols, () => `rmsNorm: weight is (${weight.shape}), x is (${x.shape})`);
  const y = program.tensor([rows, cols]);
  const words = [asWasm(x), asWasm(weight), y, cols, floatWord(eps)];
  program.defer(y, { opcode: Opcode.rmsNorm, items: rows, grain: 1, words });
  return y;
}

export function recordLayerNorm(
  { program }: Recording,
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  eps: number,
): WasmTensor {
  const [rows, cols] = x.shape as readonly [number, number];
  check(weight.shape[0] === cols && bias.shape[0] === cols, () => {
    return `layerNorm: weight is (${weight.shape}), bias is (${bias.shape}), x is (${x.shape})`;
  });
  const y = program.tensor([rows, cols]);
  const words = [asWasm(x), asWasm(weight), asWasm(bias), y, cols, floatWord(eps)];
  program.defer(y, { opcode: Opcode.layerNorm, items: rows, grain: 1, words });
  return y;
}

export function recordHeadNorm(
  { program, threads }: Recording,
  qkv: Tensor,
  norms: HeadNorms<Tensor>,
  shape: AttentionShape,
  eps: number,
): WasmTensor {
  const items = checkHeadNorm(qkv, norms, shape);
  const y = program.tensor(qkv.shape);
  const sizes = [shape.heads, shape.kvHeads, shape.headDim, floatWord(eps)];
  const words = [asWasm(qkv), asWasm(norms.q), asWasm(norms.k), y, ...sizes];
  const values = items * shape.headDim;
  program.add({ opcode: Opcode.headNorm, items, grain: cheapGrain(values, items, threads, 4), words });
  return y;
}

export function recordLastRows(_: Recording, x: Tensor, wanted: number): WasmTensor {
  const { shape, storage, offset } = asWasm(x);
  const [rows, cols] = shape as readonly [number, number];
  check(wanted > 0 && wanted <= rows, () => `lastRows: ${wanted} rows of (${shape})`);
  return { shape: [wanted, cols], dtype: 'f32', storage, offset: offset + 4 * (rows - wanted) * cols };
}

/** The rows of x whose `count` ids `ids` holds, as (rows, cols). */
export function recordGatherRows(
  recording: Recording,
  x: Tensor,
  ids: Storage,
  count: number,
  rows: number,
  cols: number,
): WasmTensor {
  const y = recording.program.tensor([rows, cols]);
  copyRows(recording, asWasm(x), ids, count, y);
  return y;
}

/** `ids` holds the numbers of all rows of `rows`. */
export function recordReplaceRows(recording: Recording, x: Tensor, at: number, rows: Tensor, ids: Storage): Tensor {
  const { storage, offset } = asWasm(x);
  const { shape } = rows;
  const place: WasmTensor = { shape, dtype: 'f32', storage, offset: offset + 4 * at * shape[1]! };
  copyRows(recording, asWasm(rows), ids, shape[0]!, place);
  return x;
}

/** to = rows of x, one after the other. */
function copyRows({ program, threads }: Recording, x: WasmTensor, ids: Storage, count: number, to: WasmTensor): void {
  const cols = x.shape[1]!;
  const words = [x, ids, to, cols, DTypeCode.f32, 4 * cols, floatWord(1)];
  program.add({ opcode: Opcode.embed, items: count, grain: share(count, threads, 1), words });
}
