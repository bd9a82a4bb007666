/** Copies rows of whole heads: row i of each head in `to` is row order[i] of the same head in `from`. */
export function reorderRows(from: Uint8Array, rowBytes: number, order: readonly number[], to: Uint8Array): void {
  const headBytes = rowBytes * order.length;
  for (let head = 0; head < from.length; head += headBytes) {
    for (const [i, row] of order.entries()) {
      const start = head + row * rowBytes;
      to.set(from.subarray(start, start + rowBytes), head + i * rowBytes);
    }
  }
}

/**
 * The order that undoes the storage of a head's rows as 0, h/2, 1, h/2 + 1, ...: row i of a head in Hugging Face's order
 * is row result[i] of the stored head.
 */
export function deinterleave(headDim: number): number[] {
  const half = headDim / 2;
  return Array.from({ length: headDim }, (_, i) => (i < half ? 2 * i : 2 * (i - half) + 1));
}
