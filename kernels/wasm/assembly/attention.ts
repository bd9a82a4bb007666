import { scratch } from './thread';
import { exp4, madd, maxLane, sumEach, sumLanes, widen } from './simd';
import { DTypeCode, PAGE_SIZE, QUERY_ROWS } from './opcodes';

/** Stands for minus infinity: differences of two stay finite. */
const LOWEST: f32 = -1e30;

/**
 * softmax(q k^T / sqrt(headDim)) v over the pages, by online softmax: a page at a time, with a running maximum m, sum l
 * and mixed values. A token at position p sees s iff s <= p and p - s < window.
 * q, out: (tokens, heads headDim) f32; pages as appendKv keeps them.
 *
 * Query rows of one kv head are its tokens x (heads / kvHeads) heads, token by token. An item is (block of 16 query
 * rows, kv head, split of the keys). With one split it writes `out`, else for each row: headDim sums, m, l into
 * partial results (kvHead, row, split, headDim + 4), joined by attentionCombine.
 *
 * Words: 3 q, 4 out, 5 page addresses, 6 heads, 7 kv heads, 8 headDim, 9 position of the first token, 10 kv dtype,
 * 11 layer, 12 window, 13 tokens, 14 splits, 15 partial results. Thread scratch (f32): keys, values (64, headDim),
 * scores (16, 64), scaled q (16, headDim), sums (16, headDim), m (16), l (16).
 */
export function attention(d: usize, from: i32, to: i32): void {
  for (let item = from; item < to; item++) attend(d, item);
}

function attend(d: usize, item: i32): void {
  const kvHeads = load<i32>(d, 28);
  const headDim = load<i32>(d, 32);
  const position = load<i32>(d, 36);
  const splits = load<i32>(d, 56);
  const group = load<i32>(d, 24) / kvHeads;
  const rows = load<i32>(d, 52) * group;
  const split = item % splits;
  const kvHead = (item / splits) % kvHeads;
  const first = (item / splits / kvHeads) * QUERY_ROWS;
  const count = min(QUERY_ROWS, rows - first);

  const lowest = max(0, position + first / group - load<i32>(d, 48) + 1);
  const end = position + (first + count - 1) / group + 1;
  const firstPage = lowest / PAGE_SIZE;
  const pages = (end - 1) / PAGE_SIZE + 1 - firstPage;
  const pageEnd = firstPage + (pages * (split + 1)) / splits;

  start(d, first, count, group, kvHead, headDim);
  for (let page = firstPage + (pages * split) / splits; page < pageEnd; page++) {
    mixPage(d, page, first, count, group, kvHead, end);
  }
  finish(d, first, count, group, kvHead, split, splits, rows);
}

// Where the parts of the thread's scratch begin. -----------------------------------------------------------------------
// @ts-ignore: decorator
@inline
function valuesAt(headDim: i32): usize {
  return scratch + <usize>headDim * PAGE_SIZE * 4;
}
// @ts-ignore: decorator
@inline
function scoresAt(headDim: i32): usize {
  return scratch + <usize>headDim * PAGE_SIZE * 8;
}
// @ts-ignore: decorator
@inline
function queriesAt(headDim: i32): usize {
  return scoresAt(headDim) + QUERY_ROWS * PAGE_SIZE * 4;
}
// @ts-ignore: decorator
@inline
function sumsAt(headDim: i32): usize {
  return queriesAt(headDim) + <usize>headDim * QUERY_ROWS * 4;
}
// @ts-ignore: decorator
@inline
function stateAt(headDim: i32): usize {
  return sumsAt(headDim) + <usize>headDim * QUERY_ROWS * 4;
}

function start(d: usize, first: i32, count: i32, group: i32, kvHead: i32, headDim: i32): void {
  const heads = load<i32>(d, 24);
  const factor = f32x4.splat(<f32>(1.0 / sqrt<f64>(<f64>headDim)));
  const bytes = <usize>headDim << 2;
  for (let r = 0; r < count; r++) {
    const row = first + r;
    const token = row / group;
    const head = kvHead * group + (row - token * group);
    const from: usize = load<u32>(d, 12) + <usize>(token * heads + head) * bytes;
    const to = queriesAt(headDim) + <usize>r * bytes;
    for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.mul(v128.load(from + i), factor));
    store<f32>(stateAt(headDim) + (r << 2), LOWEST);
    store<f32>(stateAt(headDim) + (r << 2), 0, QUERY_ROWS * 4);
  }
  memory.fill(sumsAt(headDim), 0, <usize>count * bytes);
}

function mixPage(d: usize, page: i32, first: i32, count: i32, group: i32, kvHead: i32, end: i32): void {
  const headDim = load<i32>(d, 32);
  const position = load<i32>(d, 36);
  const window = load<i32>(d, 48);
  const base = page * PAGE_SIZE;
  const keyCount = min(PAGE_SIZE, end - base);
  const isHalf = load<i32>(d, 40) == DTypeCode.f16;
  const partBytes = <usize>(PAGE_SIZE * headDim) << (isHalf ? 1 : 2);
  let keys: usize = load<u32>(load<u32>(d, 20) + (<usize>page << 2));
  keys += <usize>((load<i32>(d, 44) * load<i32>(d, 28) + kvHead) * 2) * partBytes;
  let values = keys + partBytes;
  if (isHalf) {
    widen(keys, scratch, keyCount * headDim);
    widen(values, valuesAt(headDim), keyCount * headDim);
    keys = scratch;
    values = valuesAt(headDim);
  }
  const scores = scoresAt(headDim);
  const rowBytes = <usize>headDim << 2;
  const queries = queriesAt(headDim);
  let r = 0;
  for (; r + 2 <= count; r += 2) {
    scoreTwo(queries + <usize>r * rowBytes, keys, scores + r * (PAGE_SIZE * 4), keyCount, rowBytes);
  }
  if (r < count) scoreOne(queries + <usize>r * rowBytes, keys, scores + r * (PAGE_SIZE * 4), keyCount, rowBytes);

  for (r = 0; r < count; r++) {
    const at = position + (first + r) / group;
    softenRow(r, max(0, at - window + 1 - base), min(keyCount, at + 1 - base), keyCount, headDim);
  }
  const sums = sumsAt(headDim);
  for (r = 0; r + 4 <= count; r += 4) {
    mixFour(sums + <usize>r * rowBytes, values, scores + r * (PAGE_SIZE * 4), keyCount, rowBytes);
  }
  for (; r < count; r++) mixOne(sums + <usize>r * rowBytes, values, scores + r * (PAGE_SIZE * 4), keyCount, rowBytes);
}

/** scores[0..keyCount] = q . k, four keys at a time (up to three past the end; they lie in the page and are masked). */
function scoreOne(q: usize, keys: usize, scores: usize, keyCount: i32, rowBytes: usize): void {
  for (let s = 0; s < keyCount; s += 4) {
    const k0 = keys + <usize>s * rowBytes;
    const k1 = k0 + rowBytes;
    const k2 = k1 + rowBytes;
    const k3 = k2 + rowBytes;
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const x = v128.load(q + i);
      a = madd(x, v128.load(k0 + i), a);
      b = madd(x, v128.load(k1 + i), b);
      c = madd(x, v128.load(k2 + i), c);
      e = madd(x, v128.load(k3 + i), e);
    }
    v128.store(scores + (s << 2), sumEach(a, b, c, e));
  }
}

/** scoreOne for two rows of queries, that follow each other; their scores are 64 apart. */
function scoreTwo(q: usize, keys: usize, scores: usize, keyCount: i32, rowBytes: usize): void {
  const q1 = q + rowBytes;
  for (let s = 0; s < keyCount; s += 4) {
    const k0 = keys + <usize>s * rowBytes;
    const k1 = k0 + rowBytes;
    const k2 = k1 + rowBytes;
    const k3 = k2 + rowBytes;
    let a0 = f32x4.splat(0);
    let b0 = a0;
    let c0 = a0;
    let e0 = a0;
    let a1 = a0;
    let b1 = a0;
    let c1 = a0;
    let e1 = a0;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const x = v128.load(q + i);
      const y = v128.load(q1 + i);
      const ka = v128.load(k0 + i);
      const kb = v128.load(k1 + i);
      const kc = v128.load(k2 + i);
      const ke = v128.load(k3 + i);
      a0 = madd(x, ka, a0);
      b0 = madd(x, kb, b0);
      c0 = madd(x, kc, c0);
      e0 = madd(x, ke, e0);
      a1 = madd(y, ka, a1);
      b1 = madd(y, kb, b1);
      c1 = madd(y, kc, c1);
      e1 = madd(y, ke, e1);
    }
    v128.store(scores + (s << 2), sumEach(a0, b0, c0, e0));
    v128.store(scores + (s << 2), sumEach(a1, b1, c1, e1), PAGE_SIZE * 4);
  }
}

/** Turns row r's scores of keys from..to into exp(score - m), the others into 0; moves m, l and the sums to the new m. */
function softenRow(r: i32, from: i32, to: i32, keyCount: i32, headDim: i32): void {
  const scores = scoresAt(headDim) + r * (PAGE_SIZE * 4);
  const width = (keyCount + 3) & ~3;
  if (to <= from) {
    memory.fill(scores, 0, width << 2);
    return;
  }
  for (let s = 0; s < from; s++) store<f32>(scores + (s << 2), LOWEST);
  for (let s = to; s < width; s++) store<f32>(scores + (s << 2), LOWEST);
  let largest = f32x4.splat(LOWEST);
  for (let s = 0; s < width; s += 4) largest = f32x4.max(largest, v128.load(scores + (s << 2)));

  const state = stateAt(headDim) + (r << 2);
  const before = load<f32>(state);
  const after = max<f32>(before, maxLane(largest));
  const shift = f32x4.splat(after);
  let sum = f32x4.splat(0);
  for (let s = 0; s < width; s += 4) {
    const p = exp4(f32x4.sub(v128.load(scores + (s << 2)), shift));
    v128.store(scores + (s << 2), p);
    sum = f32x4.add(sum, p);
  }
  let kept: f32 = 1;
  if (after != before) {
    const factor = exp4(f32x4.splat(before - after));
    kept = f32x4.extract_lane(factor, 0);
    const sums = sumsAt(headDim) + <usize>r * (<usize>headDim << 2);
    for (let i: usize = 0; i < <usize>headDim << 2; i += 16) {
      v128.store(sums + i, f32x4.mul(v128.load(sums + i), factor));
    }
  }
  store<f32>(state, after);
  store<f32>(state, load<f32>(state, QUERY_ROWS * 4) * kept + sumLanes(sum), QUERY_ROWS * 4);
}

/** sums += p v for one row, 16 columns at a time, then 8. */
function mixOne(sums: usize, values: usize, p: usize, keyCount: i32, rowBytes: usize): void {
  let i: usize = 0;
  for (; i + 64 <= rowBytes; i += 64) {
    const at = sums + i;
    let a = v128.load(at);
    let b = v128.load(at, 16);
    let c = v128.load(at, 32);
    let e = v128.load(at, 48);
    let v = values + i;
    for (let s = 0; s < keyCount; s++) {
      const w = v128.load32_splat(p + (s << 2));
      a = madd(w, v128.load(v), a);
      b = madd(w, v128.load(v, 16), b);
      c = madd(w, v128.load(v, 32), c);
      e = madd(w, v128.load(v, 48), e);
      v += rowBytes;
    }
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, e, 48);
  }
  for (; i < rowBytes; i += 32) {
    const at = sums + i;
    let a = v128.load(at);
    let b = v128.load(at, 16);
    let v = values + i;
    for (let s = 0; s < keyCount; s++) {
      const w = v128.load32_splat(p + (s << 2));
      a = madd(w, v128.load(v), a);
      b = madd(w, v128.load(v, 16), b);
      v += rowBytes;
    }
    v128.store(at, a);
    v128.store(at, b, 16);
  }
}

/** mixOne for four rows that follow each other, 8 columns at a time. */
function mixFour(sums: usize, values: usize, p: usize, keyCount: i32, rowBytes: usize): void {
  for (let i: usize = 0; i < rowBytes; i += 32) {
    const s0 = sums + i;
    const s1 = s0 + rowBytes;
    const s2 = s1 + rowBytes;
    const s3 = s2 + rowBytes;
    let a0 = v128.load(s0);
    let b0 = v128.load(s0, 16);
    let a1 = v128.load(s1);
    let b1 = v128.load(s1, 16);
    let a2 = v128.load(s2);
    let b2 = v128.load(s2, 16);
    let a3 = v128.load(s3);
    let b3 = v128.load(s3, 16);
    let v = values + i;
    for (let s = 0; s < keyCount; s++) {
      const at = p + (s << 2);
      const x = v128.load(v);
      const y = v128.load(v, 16);
      let w = v128.load32_splat(at);
      a0 = madd(w, x, a0);
      b0 = madd(w, y, b0);
      w = v128.load32_splat(at, PAGE_SIZE * 4);
      a1 = madd(w, x, a1);
      b1 = madd(w, y, b1);
      w = v128.load32_splat(at, PAGE_SIZE * 8);
      a2 = madd(w, x, a2);
      b2 = madd(w, y, b2);
      w = v128.load32_splat(at, PAGE_SIZE * 12);
      a3 = madd(w, x, a3);
      b3 = madd(w, y, b3);
      v += rowBytes;
    }
    v128.store(s0, a0);
    v128.store(s0, b0, 16);
    v128.store(s1, a1);
    v128.store(s1, b1, 16);
    v128.store(s2, a2);
    v128.store(s2, b2, 16);
    v128.store(s3, a3);
    v128.store(s3, b3, 16);
  }
}

/** Writes out = sums / l, or the partial results. */
function finish(
  d: usize,
  first: i32,
  count: i32,
  group: i32,
  kvHead: i32,
  split: i32,
  splits: i32,
  rows: i32,
): void {
  const headDim = load<i32>(d, 32);
  const bytes = <usize>headDim << 2;
  for (let r = 0; r < count; r++) {
    const row = first + r;
    const sums = sumsAt(headDim) + <usize>r * bytes;
    const state = stateAt(headDim) + (r << 2);
    if (splits == 1) {
      writeRow(d, row, group, kvHead, sums, 1.0 / load<f32>(state, QUERY_ROWS * 4));
    } else {
      const to: usize = load<u32>(d, 60) + <usize>((kvHead * rows + row) * splits + split) * (bytes + 16);
      memory.copy(to, sums, bytes);
      store<f32>(to + bytes, load<f32>(state));
      store<f32>(to + bytes, load<f32>(state, QUERY_ROWS * 4), 4);
    }
  }
}

function writeRow(d: usize, row: i32, group: i32, kvHead: i32, sums: usize, factor: f32): void {
  const bytes = <usize>load<i32>(d, 32) << 2;
  const token = row / group;
  const head = kvHead * group + (row - token * group);
  const to: usize = load<u32>(d, 16) + <usize>(token * load<i32>(d, 24) + head) * bytes;
  const scale = f32x4.splat(factor);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.mul(v128.load(sums + i), scale));
}

/**
 * Joins the splits of a row: with M = max m, out = sum(exp(m - M) sums) / sum(exp(m - M) l).
 * An item is (kv head, query row). Words as attention's.
 */
export function attentionCombine(d: usize, from: i32, to: i32): void {
  const headDim = load<i32>(d, 32);
  const splits = load<i32>(d, 56);
  const kvHeads = load<i32>(d, 28);
  const group = load<i32>(d, 24) / kvHeads;
  const rows = load<i32>(d, 52) * group;
  const bytes = <usize>headDim << 2;
  for (let item = from; item < to; item++) {
    const partials: usize = load<u32>(d, 60) + <usize>(item * splits) * (bytes + 16);
    let most: f32 = LOWEST;
    for (let s = 0; s < splits; s++) most = max<f32>(most, load<f32>(partials + <usize>s * (bytes + 16) + bytes));
    memory.fill(scratch, 0, bytes);
    let total: f32 = 0;
    for (let s = 0; s < splits; s++) {
      const part = partials + <usize>s * (bytes + 16);
      const factor = exp4(f32x4.splat(load<f32>(part + bytes) - most));
      total += load<f32>(part + bytes, 4) * f32x4.extract_lane(factor, 0);
      for (let i: usize = 0; i < bytes; i += 16) {
        v128.store(scratch + i, madd(v128.load(part + i), factor, v128.load(scratch + i)));
      }
    }
    writeRow(d, item % rows, group, item / rows, scratch, 1.0 / total);
  }
}
