import { exp, sumExp } from '../simd';
import { scratch } from '../thread';

/** Used instead of minus infinity, so that it can be subtracted. */
const LOWEST: f32 = -f32.MAX_VALUE;
const STRETCH: i32 = 4096;

/**
 * For each chunk of a row: its k largest values (fewer if the chunk is shorter) in descending order, the lowest id
 * first on ties; their ids, from word k on; and sum(exp(x - largest)), sum(exp((x - largest) factor)): 2 k + 2 words.
 * An item is a chunk of a row. Words: 3 x, 4 partial results, 5 cols, 6 values of a chunk, 7 k, 8 factor (f32).
 */
export function topKPartial(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 20);
  const chunk = load<i32>(d, 24);
  const k = load<i32>(d, 28);
  const factor = load<f32>(d, 32);
  const chunks = (cols + chunk - 1) / chunk;
  for (let item = from; item < to; item++) {
    const row = item / chunks;
    const start = (item - row * chunks) * chunk;
    const count = min(chunk, cols - start);
    const x: usize = load<u32>(d, 12) + ((<usize>row * <usize>cols + <usize>start) << 2);
    const list: usize = load<u32>(d, 16) + <usize>item * listBytes(k);
    keepLargest(x, start, count, list, k);
    const base = max<f32>(load<f32>(list), LOWEST);
    const sums = list + ((<usize>k) << 3);
    const sum = sumOf(x, count, base, 1);
    store<f32>(sums, sum);
    store<f32>(sums, factor === 1 ? sum : sumOf(x, count, base, factor), 4);
  }
}

// @inline
function listBytes(k: i32): usize {
  return ((<usize>k) << 3) + 8;
}

/** sumExp in stretches, so that small values are not lost when added to a large sum. */
function sumOf(x: usize, count: i32, base: f32, factor: f32): f32 {
  let sum: f64 = 0;
  for (let i = 0; i < count; i += STRETCH) {
    sum += <f64>sumExp(x + ((<usize>i) << 2), min(STRETCH, count - i), base, factor);
  }
  return <f32>sum;
}

/** Reads the values once, skipping sixteen at a time if none is larger than the smallest value kept. */
function keepLargest(x: usize, start: i32, count: i32, list: usize, k: i32): void {
  let i = 0;
  for (; i < min(k, count); i++) insert(list, k, i, load<f32>(x + ((<usize>i) << 2)), start + i);
  const last = list + ((<usize>(k - 1)) << 2);
  while (i < count) {
    const end = min(i + 16, count);
    if (end - i < 16 || anyLarger(x + ((<usize>i) << 2), load<f32>(last))) {
      for (let j = i; j < end; j++) {
        const value = load<f32>(x + ((<usize>j) << 2));
        if (value > load<f32>(last)) insert(list, k, k - 1, value, start + j);
      }
    }
    i = end;
  }
}

// @inline
function anyLarger(x: usize, least: f32): bool {
  const bound = f32x4.splat(least);
  const first = v128.or(f32x4.gt(v128.load(x), bound), f32x4.gt(v128.load(x, 16), bound));
  const second = v128.or(f32x4.gt(v128.load(x, 32), bound), f32x4.gt(v128.load(x, 48), bound));
  return v128.any_true(v128.or(first, second));
}

/**
 * Inserts a value into the first `length` entries of a list, after those not smaller; overwrites the entry at `length`.
 */
function insert(list: usize, k: i32, length: i32, value: f32, id: i32): void {
  const ids = (<usize>k) << 2;
  let at = list + ((<usize>length) << 2);
  for (; at > list && value > load<f32>(at - 4); at -= 4) {
    store<f32>(at, load<f32>(at - 4));
    store<i32>(at + ids, load<i32>(at + ids - 4));
  }
  store<f32>(at, value);
  store<i32>(at + ids, id);
}

/**
 * Joins the lists of a row. y: (rows, 2 k + 2), the ids, the values, and the logarithms of the two sums.
 * An item is a row. Words: 3 partial results, 4 y, 5 cols, 6 values of a chunk, 7 k, 8 factor (f32). k is at most cols.
 * Scratch: a word per chunk.
 */
export function topK(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 20);
  const chunk = load<i32>(d, 24);
  const k = load<i32>(d, 28);
  const factor = load<f32>(d, 32);
  const chunks = (cols + chunk - 1) / chunk;
  const bytes = listBytes(k);
  for (let row = from; row < to; row++) {
    const lists: usize = load<u32>(d, 12) + <usize>(row * chunks) * bytes;
    const y: usize = load<u32>(d, 16) + <usize>row * bytes;
    merge(lists, y, k, chunk, cols);
    const sums = (<usize>k) << 3;
    const largest = max<f32>(load<f32>(y + (sums >> 1)), LOWEST);
    let sum: f64 = 0;
    let scaled: f64 = 0;
    for (let c = 0; c < chunks; c++) {
      const list = lists + <usize>c * bytes;
      const lower = max<f32>(load<f32>(list), LOWEST) - largest;
      sum += <f64>load<f32>(list + sums) * <f64>exp(lower);
      scaled += <f64>load<f32>(list + sums, 4) * <f64>exp(lower * factor);
    }
    store<f32>(y + sums, <f32>NativeMath.log(sum));
    store<f32>(y + sums, <f32>NativeMath.log(scaled), 4);
  }
}

/** Takes the largest head of all lists k times; on ties, that of the first list, whose ids are lower. */
function merge(lists: usize, y: usize, k: i32, chunk: i32, cols: i32): void {
  const ids = (<usize>k) << 2;
  const chunks = (cols + chunk - 1) / chunk;
  memory.fill(scratch, 0, (<usize>chunks) << 2);
  for (let i: usize = 0; i < ids; i += 4) {
    let best: usize = 0;
    let bestChunk = 0;
    for (let c = 0; c < chunks; c++) {
      const taken = load<i32>(scratch + ((<usize>c) << 2));
      if (taken >= min(k, min(chunk, cols - c * chunk))) continue;
      const head = lists + <usize>c * listBytes(k) + ((<usize>taken) << 2);
      if (best && !(load<f32>(head) > load<f32>(best))) continue;
      best = head;
      bestChunk = c;
    }
    store<f32>(y + i, <f32>load<i32>(best + ids));
    store<f32>(y + ids + i, load<f32>(best));
    const taken = scratch + ((<usize>bestChunk) << 2);
    store<i32>(taken, load<i32>(taken) + 1);
  }
}
