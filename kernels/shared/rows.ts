import { check } from '../check.ts';
import type { Tensor } from '../ops.ts';

/** Checks the operands of gatherRows and returns the shape of its result. */
export function checkGatherRows(x: Tensor, ids: readonly number[], side: number): readonly [number, number] {
  const [rows, cols] = x.shape as readonly [number, number];
  const known = ids.every((id) => id >= 0 && id < rows);
  check(known, () => `gatherRows: id ${ids.find((id) => !(id >= 0 && id < rows))} of (${x.shape})`);
  check(ids.length % side === 0, () => `gatherRows: ${ids.length} rows do not lie ${side} side by side`);
  return [ids.length / side, side * cols];
}

export function checkReplaceRows(x: Tensor, at: number, rows: Tensor): void {
  const fits = rows.shape[1] === x.shape[1] && at >= 0 && at + rows.shape[0]! <= x.shape[0]!;
  check(fits, () => `replaceRows: (${rows.shape}) does not fit into (${x.shape}) at row ${at}`);
}
