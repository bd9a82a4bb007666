/**
 * Per row k ids (largest value first, lowest id first on ties), their values, log(sum(exp(x - largest))) and
 * log(sum(exp((x - largest) inverseTemperature))).  logits: (rows, cols) -> (rows, 2 k + 2).
 */
export function topK(
  logits: Float32Array,
  cols: number,
  { k, inverseTemperature }: { k: number; inverseTemperature: number },
): Float32Array {
  const rows = logits.length / cols;
  const width = 2 * k + 2;
  const y = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) {
    const row = logits.subarray(r * cols, (r + 1) * cols);
    const ids = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k);
    const largest = row[ids[0]!]!;
    const logSum = (factor: number): number => {
      let total = 0;
      for (const value of row) total += Math.exp((value - largest) * factor);
      return Math.log(total);
    };
    y.set([...ids, ...ids.map((id) => row[id]!), logSum(1), logSum(inverseTemperature)], r * width);
  }
  return y;
}
