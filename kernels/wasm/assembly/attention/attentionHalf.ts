import { HALF_MASK, HALF_SCALE, madd, sumEach } from '../simd';
import { PAGE_SIZE } from '../opcodes';

/**
 * Few rows of queries against f16 keys and values, read without widening them first. The product with (2^13, 0) moves the
 * even f16 of each lane, sign-extended, to where HALF_MASK leaves the f32 of its value times 2^-112; a shift does so with
 * the odd one. Of every 8 columns, the even ones therefore come first, then the odd ones, and the other factor contains
 * 2^112. Three rows share what is read and moved; the sums of each are added in the same order as those of one.
 */
const EVEN = memory.data<i16>([8192, 0, 8192, 0, 8192, 0, 8192, 0], 16);

// @inline
function evenOf(h: v128, even: v128, mask: v128): v128 {
  return v128.and(i32x4.dot_i16x8_s(h, even), mask);
}

// @inline
function oddOf(h: v128, mask: v128): v128 {
  return v128.and(i32x4.shr_s(h, 3), mask);
}

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
      a = madd(x, evenOf(h, even, mask), a);
      a = madd(y, oddOf(h, mask), a);
      h = v128.load(k1 + i);
      b = madd(x, evenOf(h, even, mask), b);
      b = madd(y, oddOf(h, mask), b);
      h = v128.load(k2 + i);
      c = madd(x, evenOf(h, even, mask), c);
      c = madd(y, oddOf(h, mask), c);
      h = v128.load(k3 + i);
      e = madd(x, evenOf(h, even, mask), e);
      e = madd(y, oddOf(h, mask), e);
    }
    v128.store(scores + (s << 2), sumEach(a, b, c, e));
  }
}

/** scoreHalf for three consecutive rows of queries, whose scores are 64 apart; two keys at a time. */
export function scoreHalfThree(q: usize, keys: usize, scores: usize, keyCount: i32, headDim: i32): void {
  const mask = v128.load(HALF_MASK);
  const even = v128.load(EVEN);
  const rowBytes = (<usize>headDim) << 1;
  for (let s = 0; s < keyCount; s += 2) {
    const k0 = keys + <usize>s * rowBytes;
    const k1 = k0 + rowBytes;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let at = q;
    for (let i: usize = 0; i < rowBytes; i += 16) {
      let h = v128.load(k0 + i);
      const even0 = evenOf(h, even, mask);
      const odd0 = oddOf(h, mask);
      h = v128.load(k1 + i);
      const even1 = evenOf(h, even, mask);
      const odd1 = oddOf(h, mask);
      let x = v128.load(at);
      let y = v128.load(at, 16);
      a0 = madd(y, odd0, madd(x, even0, a0));
      a1 = madd(y, odd1, madd(x, even1, a1));
      x = v128.load(at + (rowBytes << 1));
      y = v128.load(at + (rowBytes << 1), 16);
      b0 = madd(y, odd0, madd(x, even0, b0));
      b1 = madd(y, odd1, madd(x, even1, b1));
      x = v128.load(at + (rowBytes << 2));
      y = v128.load(at + (rowBytes << 2), 16);
      c0 = madd(y, odd0, madd(x, even0, c0));
      c1 = madd(y, odd1, madd(x, even1, c1));
      at += 32;
    }
    const ab = sumEach(a0, a1, b0, b1);
    const to = scores + (s << 2);
    v128.store64_lane(to, ab, 0);
    v128.store64_lane(to, ab, 1, PAGE_SIZE * 4);
    v128.store64_lane(to, sumEach(c0, c1, c0, c1), 0, PAGE_SIZE * 8);
  }
}

/** sums += p v, 32 columns at a time, then 8. Overwrites p, (keyCount) with zeros up to a multiple of 4. */
export function mixHalf(sums: usize, values: usize, p: usize, keyCount: i32, headDim: i32): void {
  enlarge(p, keyCount);
  const mask = v128.load(HALF_MASK);
  const even = v128.load(EVEN);
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
      a = madd(w, evenOf(h, even, mask), a);
      b = madd(w, oddOf(h, mask), b);
      h = v128.load(v, 16);
      c = madd(w, evenOf(h, even, mask), c);
      e = madd(w, oddOf(h, mask), e);
      h = v128.load(v, 32);
      f = madd(w, evenOf(h, even, mask), f);
      g = madd(w, oddOf(h, mask), g);
      h = v128.load(v, 48);
      j = madd(w, evenOf(h, even, mask), j);
      k = madd(w, oddOf(h, mask), k);
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
      a = madd(w, evenOf(h, even, mask), a);
      b = madd(w, oddOf(h, mask), b);
      v += rowBytes;
    }
    addInOrder(sums + (i << 1), a, b);
  }
}

/** mixHalf for three consecutive rows, whose p are 64 apart; 8 columns at a time. */
export function mixHalfThree(sums: usize, values: usize, p: usize, keyCount: i32, headDim: i32): void {
  for (let r = 0; r < 3; r++) enlarge(p + r * (PAGE_SIZE * 4), keyCount);
  const mask = v128.load(HALF_MASK);
  const even = v128.load(EVEN);
  const rowBytes = (<usize>headDim) << 1;
  for (let i: usize = 0; i < rowBytes; i += 16) {
    let a0 = f32x4.splat(0);
    let b0 = a0;
    let a1 = a0;
    let b1 = a0;
    let a2 = a0;
    let b2 = a0;
    let v = values + i;
    for (let s = 0; s < keyCount; s++) {
      const h = v128.load(v);
      const x = evenOf(h, even, mask);
      const y = oddOf(h, mask);
      const at = p + (s << 2);
      let w = v128.load32_splat(at);
      a0 = madd(w, x, a0);
      b0 = madd(w, y, b0);
      w = v128.load32_splat(at, PAGE_SIZE * 4);
      a1 = madd(w, x, a1);
      b1 = madd(w, y, b1);
      w = v128.load32_splat(at, PAGE_SIZE * 8);
      a2 = madd(w, x, a2);
      b2 = madd(w, y, b2);
      v += rowBytes;
    }
    const to = sums + (i << 1);
    addInOrder(to, a0, b0);
    addInOrder(to + (rowBytes << 1), a1, b1);
    addInOrder(to + (rowBytes << 2), a2, b2);
  }
}

/** Multiplies p by 2^112. */
function enlarge(p: usize, keyCount: i32): void {
  for (let s = 0; s < keyCount; s += 4) {
    v128.store(p + (s << 2), f32x4.mul(v128.load(p + (s << 2)), f32x4.splat(HALF_SCALE)));
  }
}

// @inline
function addInOrder(sums: usize, even: v128, odd: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), v128.shuffle<i32>(even, odd, 0, 4, 1, 5)));
  v128.store(sums, f32x4.add(v128.load(sums, 16), v128.shuffle<i32>(even, odd, 2, 6, 3, 7)), 16);
}
