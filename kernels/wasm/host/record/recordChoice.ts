/** Operations that choose among logits. See Ops. */
import type { Tensor } from '../../../ops.ts';
import { checkedK } from '../../../shared/topK.ts';
import { ARGMAX_CHUNK, Opcode, TOP_K_CHUNK } from '../../opcodes.ts';
import { floatWord } from '../program.ts';
import type { Recording } from './recording.ts';
import { asWasm, type WasmTensor } from '../tensor.ts';

export function recordArgmax({ program }: Recording, logits: Tensor): WasmTensor {
  const [rows, cols] = logits.shape as readonly [number, number];
  const chunks = Math.ceil(cols / ARGMAX_CHUNK);
  const partial = program.storage(12 * rows * chunks);
  const y = program.tensor([rows, 2]);
  const words = [asWasm(logits), partial, cols, chunks];
  program.add({ opcode: Opcode.argmaxPartial, items: rows * chunks, grain: 1, words });
  program.add({ opcode: Opcode.argmax, items: rows, grain: 1, words: [partial, y, chunks] });
  return y;
}

export function recordTopK(
  { program, threads }: Recording,
  logits: Tensor,
  most: number,
  inverseTemperature: number,
): WasmTensor {
  const [rows, cols] = logits.shape as readonly [number, number];
  const k = checkedK(logits, most, inverseTemperature);
  const chunk = Math.max(TOP_K_CHUNK, Math.ceil(cols / threads));
  const chunks = Math.ceil(cols / chunk);
  const lists = program.storage(4 * rows * chunks * (2 * k + 2));
  const y = program.tensor([rows, 2 * k + 2]);
  const sizes = [cols, chunk, k, floatWord(inverseTemperature)];
  program.add({ opcode: Opcode.topKPartial, items: rows * chunks, grain: 1, words: [asWasm(logits), lists, ...sizes] });
  program.add({ opcode: Opcode.topK, items: rows, grain: 1, words: [lists, y, ...sizes], scratch: 4 * chunks });
  return y;
}
