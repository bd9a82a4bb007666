import { exp, maxLane, sumExp } from '../simd';
import { ARGMAX_CHUNK } from '../opcodes';

/**
 * For each chunk of a row: the largest value, its (lowest) index, and sum(exp(x - largest)), three words per item.
 * An item is a chunk of a row. Words: 3 x, 4 partial results, 5 cols, 6 chunks per row.
 */
export function argmaxPartial(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 20);
  const chunks = load<i32>(d, 24);
  for (let item = from; item < to; item++) {
    const row = item / chunks;
    const start = (item - row * chunks) * ARGMAX_CHUNK;
    const x: usize = load<u32>(d, 12) + ((<usize>row * <usize>cols + <usize>start) << 2);
    largestOf(x, start, min(ARGMAX_CHUNK, cols - start), load<u32>(d, 16) + <usize>item * 12);
  }
}

function largestOf(x: usize, start: i32, count: i32, out: usize): void {
  let most = load<f32>(x);
  let largest = f32x4.splat(most);
  let k = 0;
  for (; k + 4 <= count; k += 4) largest = f32x4.max(largest, v128.load(x + ((<usize>k) << 2)));
  for (; k < count; k++) most = max<f32>(most, load<f32>(x + ((<usize>k) << 2)));
  most = max<f32>(most, maxLane(largest));
  const wanted = f32x4.splat(most);
  let index = 0;
  while (index + 4 < count && !v128.any_true(f32x4.eq(v128.load(x + ((<usize>index) << 2)), wanted))) index += 4;
  while (index + 1 < count && load<f32>(x + ((<usize>index) << 2)) !== most) index++;

  store<f32>(out, most);
  store<i32>(out, start + index, 4);
  store<f32>(out, sumExp(x, count, most, 1), 8);
}

/**
 * Joins the chunks of a row. y: (rows, 2), the id and its log-probability, -log(sum(exp(x - largest))).
 * An item is a row. Words: 3 partial results, 4 y, 5 chunks per row.
 */
export function argmax(d: usize, from: i32, to: i32): void {
  const chunks = load<i32>(d, 20);
  for (let row = from; row < to; row++) {
    const partials: usize = load<u32>(d, 12) + <usize>(row * chunks) * 12;
    let best = partials;
    for (let c = 1; c < chunks; c++) {
      const at = partials + <usize>c * 12;
      if (load<f32>(at) > load<f32>(best)) best = at;
    }
    let sum: f64 = 0;
    for (let c = 0; c < chunks; c++) {
      const at = partials + <usize>c * 12;
      sum += <f64>load<f32>(at, 8) * <f64>exp(load<f32>(at) - load<f32>(best));
    }
    const y: usize = load<u32>(d, 16) + ((<usize>row) << 3);
    store<f32>(y, <f32>load<i32>(best, 4));
    store<f32>(y, <f32>-NativeMath.log(sum), 4);
  }
}
