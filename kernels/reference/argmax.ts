/** Per row [id of the largest value (lowest id on ties), its log-probability].  logits: (rows, cols) -> (rows, 2). */
export function argmax(logits: Float32Array, cols: number): Float32Array {
  const rows = logits.length / cols;
  const y = new Float32Array(rows * 2);
  for (let r = 0; r < rows; r++) {
    const row = logits.subarray(r * cols, (r + 1) * cols);
    let best = 0;
    for (let c = 1; c < cols; c++) if (row[c]! > row[best]!) best = c;
    let total = 0;
    for (let c = 0; c < cols; c++) total += Math.exp(row[c]! - row[best]!);
    y.set([best, -Math.log(total)], r * 2);
  }
  return y;
}
