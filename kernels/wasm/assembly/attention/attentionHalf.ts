import { HALF_MASK, HALF_SCALE, madd, sumEach } from '../simd';

/**
 * One row of queries against f16 keys and values, read without widening them first. The product with (2^13, 0) or (0,
 * 2^13) shifts the even or odd f16 of each lane, sign-extended, to where HALF_MASK leaves the f32 of their value times
 * 2^-112. Of every 8 columns, the even ones therefore come first, then the odd ones, and the other factor contains
 * 2^112.
 */
const EVEN = memory.data<i16>([8192, 0, 8192, 0, 8192, 0, 8192, 0], 16);
const ODD = memory.data<i16>([0, 8192, 0, 8192, 0, 8192, 0, 8192], 16);

/** Multiplies q, (headDim) f32, by `factor` and puts it into the order that scoreHalf needs. */
export function splitQuery(q: usize, to: usize, headDim: i32, factor: f32): void {
  const factors = f32x4.splat(factor * HALF_SCALE);
  for (let i: usize = 0; i < (<usize>headDim) << 2; i += 32) {
    const a = f32x4.mul(v128.load(q + i), factors);
    const b = f32x4.mul(v128.load(q + i, 16), factors);
    v128.store(to + i, v128.shuffle<i32>(a, b, 0, 2, 4, 6));
    v128.store(to + i, v128.shuffle<i32>(a, b, 1, 3, 5, 7), 16);
  }
}

/** scores[0..keyCount] = q . k, four keys at a time (up to three past the end; they lie in the page and are masked). */
export function scoreHalf(q: usize, keys: usize, scores: usize, keyCount: i32, headDim: i32): void {
  const mask = v128.load(HALF_MASK);
  const even = v128.load(EVEN);
  const odd = v128.load(ODD);
  const rowBytes = (<usize>headDim) << 1;
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
      const x = v128.load(q + (i << 1));
      const y = v128.load(q + (i << 1), 16);
      let h = v128.load(k0 + i);
      a = madd(x, v128.and(i32x4.dot_i16x8_s(h, even), mask), a);
      a = madd(y, v128.and(i32x4.dot_i16x8_s(h, odd), mask), a);
      h = v128.load(k1 + i);
      b = madd(x, v128.and(i32x4.dot_i16x8_s(h, even), mask), b);
      b = madd(y, v128.and(i32x4.dot_i16x8_s(h, odd), mask), b);
      h = v128.load(k2 + i);
      c = madd(x, v128.and(i32x4.dot_i16x8_s(h, even), mask), c);
      c = madd(y, v128.and(i32x4.dot_i16x8_s(h, odd), mask), c);
      h = v128.load(k3 + i);
      e = madd(x, v128.and(i32x4.dot_i16x8_s(h, even), mask), e);
      e = madd(y, v128.and(i32x4.dot_i16x8_s(h, odd), mask), e);
    }
    v128.store(scores + (s << 2), sumEach(a, b, c, e));
  }
}

/** sums += p v, 32 columns at a time, then 8. Overwrites p, (keyCount) with zeros up to a multiple of 4. */
export function mixHalf(sums: usize, values: usize, p: usize, keyCount: i32, headDim: i32): void {
  for (let s = 0; s < keyCount; s += 4) {
    v128.store(p + (s << 2), f32x4.mul(v128.load(p + (s << 2)), f32x4.splat(HALF_SCALE)));
  }
  const mask = v128.load(HALF_MASK);
  const even = v128.load(EVEN);
  const odd = v128.load(ODD);
  const rowBytes = (<usize>headDim) << 1;
  let i: usize = 0;
  for (; i + 64 <= rowBytes; i += 64) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    let f = a;
    let g = a;
    let j = a;
    let k = a;
    let v = values + i;
    for (let s = 0; s < keyCount; s++) {
      const w = v128.load32_splat(p + (s << 2));
      let h = v128.load(v);
      a = madd(w, v128.and(i32x4.dot_i16x8_s(h, even), mask), a);
      b = madd(w, v128.and(i32x4.dot_i16x8_s(h, odd), mask), b);
      h = v128.load(v, 16);
      c = madd(w, v128.and(i32x4.dot_i16x8_s(h, even), mask), c);
      e = madd(w, v128.and(i32x4.dot_i16x8_s(h, odd), mask), e);
      h = v128.load(v, 32);
      f = madd(w, v128.and(i32x4.dot_i16x8_s(h, even), mask), f);
      g = madd(w, v128.and(i32x4.dot_i16x8_s(h, odd), mask), g);
      h = v128.load(v, 48);
      j = madd(w, v128.and(i32x4.dot_i16x8_s(h, even), mask), j);
      k = madd(w, v128.and(i32x4.dot_i16x8_s(h, odd), mask), k);
      v += rowBytes;
    }
    addInOrder(sums + (i << 1), a, b);
    addInOrder(sums + (i << 1) + 32, c, e);
    addInOrder(sums + (i << 1) + 64, f, g);
    addInOrder(sums + (i << 1) + 96, j, k);
  }
  for (; i < rowBytes; i += 16) {
    let a = f32x4.splat(0);
    let b = a;
    let v = values + i;
    for (let s = 0; s < keyCount; s++) {
      const w = v128.load32_splat(p + (s << 2));
      const h = v128.load(v);
      a = madd(w, v128.and(i32x4.dot_i16x8_s(h, even), mask), a);
      b = madd(w, v128.and(i32x4.dot_i16x8_s(h, odd), mask), b);
      v += rowBytes;
    }
    addInOrder(sums + (i << 1), a, b);
  }
}

// @inline
function addInOrder(sums: usize, even: v128, odd: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), v128.shuffle<i32>(even, odd, 0, 4, 1, 5)));
  v128.store(sums, f32x4.add(v128.load(sums, 16), v128.shuffle<i32>(even, odd, 2, 6, 3, 7)), 16);
}
