import { maxLane, ROUNDER } from '../simd';
import { PAGE_SIZE } from '../opcodes';

/**
 * Attention over int8 keys and values in integer arithmetic: queries and softmax weights are rounded to 16 bits, and
 * their products with int8 are summed exactly in i32 (MOST_Q8_HEAD_DIM). An error of 2^-16 of the largest value is far
 * below that of int8.
 */
const LARGEST: f32 = 32767;

/** q: (headDim) f32 -> i16; returns their scale. */
export function quantiseQuery(q: usize, to: usize, headDim: i32): f32 {
  let most = f32x4.splat(0);
  for (let i: usize = 0; i < (<usize>headDim) << 2; i += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(q + i)));
  const step: f32 = maxLane(most) / LARGEST;
  const divisor = f32x4.splat(step); // 0 / 0 is NaN, which converts to 0.
  for (let i: usize = 0; i < (<usize>headDim) << 2; i += 32) {
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(v128.load(q + i), divisor)));
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(v128.load(q + i, 16), divisor)));
    v128.store(to + (i >> 1), i16x8.narrow_i32x4_s(a, b));
  }
  return step;
}

/** scores[0..keyCount] = q . k, four keys at a time (up to three past the end; they lie in the page and are masked). */
export function scoreOneQ8(
  q: usize,
  keys: usize,
  keyScales: usize,
  factor: f32,
  scores: usize,
  keyCount: i32,
  headDim: i32,
): void {
  const row = <usize>headDim;
  const factors = f32x4.splat(factor);
  for (let s = 0; s < keyCount; s += 4) {
    const k0 = keys + <usize>s * row;
    const k1 = k0 + row;
    const k2 = k1 + row;
    const k3 = k2 + row;
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    let i: usize = 0;
    for (; i + 16 <= row; i += 16) {
      let x = v128.load(q + (i << 1));
      a = i32x4.add(a, i32x4.dot_i16x8_s(x, v128.load8x8_s(k0 + i)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(x, v128.load8x8_s(k1 + i)));
      c = i32x4.add(c, i32x4.dot_i16x8_s(x, v128.load8x8_s(k2 + i)));
      e = i32x4.add(e, i32x4.dot_i16x8_s(x, v128.load8x8_s(k3 + i)));
      x = v128.load(q + (i << 1), 16);
      a = i32x4.add(a, i32x4.dot_i16x8_s(x, v128.load8x8_s(k0 + i, 8)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(x, v128.load8x8_s(k1 + i, 8)));
      c = i32x4.add(c, i32x4.dot_i16x8_s(x, v128.load8x8_s(k2 + i, 8)));
      e = i32x4.add(e, i32x4.dot_i16x8_s(x, v128.load8x8_s(k3 + i, 8)));
    }
    if (i < row) {
      const x = v128.load(q + (i << 1));
      a = i32x4.add(a, i32x4.dot_i16x8_s(x, v128.load8x8_s(k0 + i)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(x, v128.load8x8_s(k1 + i)));
      c = i32x4.add(c, i32x4.dot_i16x8_s(x, v128.load8x8_s(k2 + i)));
      e = i32x4.add(e, i32x4.dot_i16x8_s(x, v128.load8x8_s(k3 + i)));
    }
    const scales = f32x4.mul(v128.load(keyScales + (s << 2)), factors);
    v128.store(scores + (s << 2), f32x4.mul(f32x4.convert_i32x4_s(sumEachI32(a, b, c, e)), scales));
  }
}

/** scoreOneQ8 for four consecutive rows of queries, with four factors; two keys at a time. */
export function scoreFourQ8(
  q: usize,
  keys: usize,
  keyScales: usize,
  factors: usize,
  scores: usize,
  keyCount: i32,
  headDim: i32,
): void {
  const row = <usize>headDim;
  const q1 = q + (row << 1);
  const q2 = q1 + (row << 1);
  const q3 = q2 + (row << 1);
  const first = v128.load(factors);
  for (let s = 0; s < keyCount; s += 2) {
    const k0 = keys + <usize>s * row;
    const k1 = k0 + row;
    let a0 = i32x4.splat(0);
    let b0 = a0;
    let c0 = a0;
    let e0 = a0;
    let a1 = a0;
    let b1 = a0;
    let c1 = a0;
    let e1 = a0;
    for (let i: usize = 0; i < row; i += 8) {
      const x = v128.load8x8_s(k0 + i);
      const y = v128.load8x8_s(k1 + i);
      let v = v128.load(q + (i << 1));
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, x));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, y));
      v = v128.load(q1 + (i << 1));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, x));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, y));
      v = v128.load(q2 + (i << 1));
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v, x));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v, y));
      v = v128.load(q3 + (i << 1));
      e0 = i32x4.add(e0, i32x4.dot_i16x8_s(v, x));
      e1 = i32x4.add(e1, i32x4.dot_i16x8_s(v, y));
    }
    const at = scores + (s << 2);
    const x = f32x4.mul(f32x4.convert_i32x4_s(sumEachI32(a0, b0, c0, e0)), first);
    const y = f32x4.mul(f32x4.convert_i32x4_s(sumEachI32(a1, b1, c1, e1)), first);
    const scaleX = v128.load32_splat(keyScales + (s << 2));
    const scaleY = v128.load32_splat(keyScales + (s << 2), 4);
    const low = f32x4.mul(x, scaleX);
    const high = f32x4.mul(y, scaleY);
    const front = v128.shuffle<i32>(low, high, 0, 4, 1, 5);
    const back = v128.shuffle<i32>(low, high, 2, 6, 3, 7);
    v128.store64_lane(at, front, 0);
    v128.store64_lane(at, front, 1, PAGE_SIZE * 4);
    v128.store64_lane(at, back, 0, PAGE_SIZE * 8);
    v128.store64_lane(at, back, 1, PAGE_SIZE * 12);
  }
}

/** Replaces a row's weights p, (width) f32, by i16 of p * valueScale; returns their scale. */
export function quantiseWeights(p: usize, valueScales: usize, width: i32): f32 {
  const zero = f32x4.splat(0);
  let most = zero;
  for (let s = 0; s < width; s += 4) {
    // Scales past the last key may be NaN, which this pmax turns into 0.
    const w = f32x4.pmax(zero, f32x4.mul(v128.load(p + (s << 2)), v128.load(valueScales + (s << 2))));
    v128.store(p + (s << 2), w);
    most = f32x4.pmax(most, w);
  }
  const largest = maxLane(most);
  const inverse = f32x4.splat(largest > 0 ? LARGEST / largest : 0);
  const rounder = f32x4.splat(ROUNDER);
  for (let s = 0; s < width; s += 8) {
    const a = i32x4.sub(f32x4.add(f32x4.mul(v128.load(p + (s << 2)), inverse), rounder), rounder);
    const b = i32x4.sub(f32x4.add(f32x4.mul(v128.load(p + (s << 2), 16), inverse), rounder), rounder);
    v128.store(p + (s << 1), i16x8.narrow_i32x4_s(a, b));
  }
  return largest / LARGEST;
}

/** sums += factor p v for one row, 32 columns at a time, then 8. p: (2 pairs) i16. */
export function mixOneQ8(sums: usize, values: usize, p: usize, factor: f32, pairs: i32, headDim: i32): void {
  const factors = f32x4.splat(factor);
  const row = (<usize>headDim) << 1;
  let i: usize = 0;
  for (; i + 64 <= row; i += 64) {
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    let j = a;
    let v = values + i;
    for (let s = 0; s < pairs; s++) {
      const w = v128.load32_splat(p + (s << 2));
      a = i32x4.add(a, i32x4.dot_i16x8_s(w, v128.load8x8_s(v)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 8)));
      c = i32x4.add(c, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 16)));
      e = i32x4.add(e, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 24)));
      f = i32x4.add(f, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 32)));
      g = i32x4.add(g, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 40)));
      h = i32x4.add(h, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 48)));
      j = i32x4.add(j, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 56)));
      v += row;
    }
    const at = sums + (i << 1);
    addScaled(at, a, factors);
    addScaled(at + 16, b, factors);
    addScaled(at + 32, c, factors);
    addScaled(at + 48, e, factors);
    addScaled(at + 64, f, factors);
    addScaled(at + 80, g, factors);
    addScaled(at + 96, h, factors);
    addScaled(at + 112, j, factors);
  }
  for (; i < row; i += 16) {
    let a = i32x4.splat(0);
    let b = a;
    let v = values + i;
    for (let s = 0; s < pairs; s++) {
      const w = v128.load32_splat(p + (s << 2));
      a = i32x4.add(a, i32x4.dot_i16x8_s(w, v128.load8x8_s(v)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(w, v128.load8x8_s(v, 8)));
      v += row;
    }
    addScaled(sums + (i << 1), a, factors);
    addScaled(sums + (i << 1) + 16, b, factors);
  }
}

/** mixOneQ8 for four consecutive rows, with four factors; 8 columns at a time. */
export function mixFourQ8(sums: usize, values: usize, p: usize, factors: usize, pairs: i32, headDim: i32): void {
  const row = (<usize>headDim) << 1;
  const sumBytes = (<usize>headDim) << 2;
  for (let i: usize = 0; i < row; i += 16) {
    let a0 = i32x4.splat(0);
    let b0 = a0;
    let a1 = a0;
    let b1 = a0;
    let a2 = a0;
    let b2 = a0;
    let a3 = a0;
    let b3 = a0;
    let v = values + i;
    for (let s = 0; s < pairs; s++) {
      const at = p + (s << 2);
      const x = v128.load8x8_s(v);
      const y = v128.load8x8_s(v, 8);
      let w = v128.load32_splat(at);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(w, x));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(w, y));
      w = v128.load32_splat(at, PAGE_SIZE * 4);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(w, x));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(w, y));
      w = v128.load32_splat(at, PAGE_SIZE * 8);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(w, x));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(w, y));
      w = v128.load32_splat(at, PAGE_SIZE * 12);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(w, x));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(w, y));
      v += row;
    }
    const at = sums + (i << 1);
    addScaled(at, a0, v128.load32_splat(factors));
    addScaled(at + 16, b0, v128.load32_splat(factors));
    addScaled(at + sumBytes, a1, v128.load32_splat(factors, 4));
    addScaled(at + sumBytes + 16, b1, v128.load32_splat(factors, 4));
    addScaled(at + sumBytes * 2, a2, v128.load32_splat(factors, 8));
    addScaled(at + sumBytes * 2 + 16, b2, v128.load32_splat(factors, 8));
    addScaled(at + sumBytes * 3, a3, v128.load32_splat(factors, 12));
    addScaled(at + sumBytes * 3 + 16, b3, v128.load32_splat(factors, 12));
  }
}

// @inline
function addScaled(sums: usize, whole: v128, factor: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(f32x4.convert_i32x4_s(whole), factor)));
}

/** The sums of four vectors of i32, one per lane. */
// @inline
function sumEachI32(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}
