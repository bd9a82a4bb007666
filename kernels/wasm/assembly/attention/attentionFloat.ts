import { madd, sumEach } from '../simd';
import { PAGE_SIZE } from '../opcodes';

/** scores[0..keyCount] = q . k, four keys at a time (up to three past the end; they lie in the page and are masked). */
export function scoreOne(q: usize, keys: usize, scores: usize, keyCount: i32, rowBytes: usize): void {
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

/** scoreOne for two consecutive rows of queries, whose scores are 64 apart. */
export function scoreTwo(q: usize, keys: usize, scores: usize, keyCount: i32, rowBytes: usize): void {
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

/** sums += p v for one row, 16 columns at a time, then 8. */
export function mixOne(sums: usize, values: usize, p: usize, keyCount: i32, rowBytes: usize): void {
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

/** mixOne for four consecutive rows, 8 columns at a time. */
export function mixFour(sums: usize, values: usize, p: usize, keyCount: i32, rowBytes: usize): void {
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
