import { scratch } from '../thread';
import { addValues, half, halfHigh, halfLow, HALF_MASK, madd, sumEach, widen } from '../simd';
import { DTypeCode, FLOAT_ROWS, FLOAT_TOKENS } from '../opcodes';

/**
 * y = x w^T + bias + residual with f32 or f16 weights, in f32. x: (rows, in), w: (out, in), y, residual: (rows, out), bias:
 * (out). Rows of w are padded to a multiple of 8 values, their number to a multiple of 4.
 *
 * An item is (block of 64 rows of x, 4 rows of w). Words: 3 x, 4 w, 5 y, 6 residual or 0, 7 rows, 8 out, 9 in, 10 dtype,
 * 11 bytes per row of w, 12 bias or 0. Thread scratch: 64 bytes, 4 rows of w as f32.
 */
export function matvecFloat(d: usize, from: i32, to: i32): void {
  const rows = load<i32>(d, 28);
  const inputs = load<i32>(d, 36);
  const isHalf = load<i32>(d, 40) === DTypeCode.f16;
  const rowBytes: usize = load<u32>(d, 44);
  const groups = (load<i32>(d, 32) + FLOAT_ROWS - 1) / FLOAT_ROWS;
  for (let item = from; item < to; item++) {
    const batch = item / groups;
    const group = item - batch * groups;
    const first = batch * FLOAT_TOKENS;
    const end = min(rows, first + FLOAT_TOKENS);
    let w: usize = load<u32>(d, 16) + <usize>group * FLOAT_ROWS * rowBytes;
    let stride = rowBytes;
    if (isHalf && end - first === 1) {
      const x: usize = load<u32>(d, 12) + <usize>first * ((<usize>inputs) << 2);
      writeFour(d, first, group, dotHalf(x, w, stride, inputs));
      continue;
    }
    if (isHalf) {
      stride = rowBytes << 1;
      widen(w, scratch + 64, <i32>(rowBytes << 1)); // 4 rows; the first 64 bytes belong to writeFour
      w = scratch + 64;
    }
    for (let row = first; row < end; row++) {
      const x: usize = load<u32>(d, 12) + <usize>row * ((<usize>inputs) << 2);
      if (row + 1 < end) dotTwo(d, row++, group, x, w, stride, inputs);
      else writeFour(d, row, group, dotOne(x, w, stride, inputs));
    }
  }
}

/** y[row, 4 group ..] = sums (+ bias) (+ residual), as far as the row reaches. */
function writeFour(d: usize, row: i32, group: i32, sums: v128): void {
  const out = load<i32>(d, 32);
  const residual: usize = load<u32>(d, 24);
  const bias: usize = load<u32>(d, 48);
  const column = group * FLOAT_ROWS;
  const at = (<usize>row * <usize>out + <usize>column) << 2;
  const y: usize = load<u32>(d, 20) + at;
  const count = min(FLOAT_ROWS, out - column);
  if (count === FLOAT_ROWS) v128.store(y, sums);
  else {
    v128.store(scratch, sums);
    memory.copy(y, scratch, (<usize>count) << 2);
  }
  if (bias) addValues(y, bias + ((<usize>column) << 2), count);
  if (residual) addValues(y, residual + at, count);
}

/** x . w for 4 rows of w, f32. */
function dotOne(x: usize, w: usize, stride: usize, inputs: i32): v128 {
  const w1 = w + stride;
  const w2 = w1 + stride;
  const w3 = w2 + stride;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let e = a;
  const bytes = (<usize>inputs) << 2;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    const v = v128.load(x + i);
    a = madd(v, v128.load(w + i), a);
    b = madd(v, v128.load(w1 + i), b);
    c = madd(v, v128.load(w2 + i), c);
    e = madd(v, v128.load(w3 + i), e);
  }
  return addTail(sumEach(a, b, c, e), x, w, stride, i, bytes);
}

/** dotOne for rows `row` and `row + 1` of x, written to y. */
function dotTwo(d: usize, row: i32, group: i32, x: usize, w: usize, stride: usize, inputs: i32): void {
  const w1 = w + stride;
  const w2 = w1 + stride;
  const w3 = w2 + stride;
  const bytes = (<usize>inputs) << 2;
  const x1 = x + bytes;
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let e0 = a0;
  let a1 = a0;
  let b1 = a0;
  let c1 = a0;
  let e1 = a0;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    const v = v128.load(x + i);
    const u = v128.load(x1 + i);
    let k = v128.load(w + i);
    a0 = madd(v, k, a0);
    a1 = madd(u, k, a1);
    k = v128.load(w1 + i);
    b0 = madd(v, k, b0);
    b1 = madd(u, k, b1);
    k = v128.load(w2 + i);
    c0 = madd(v, k, c0);
    c1 = madd(u, k, c1);
    k = v128.load(w3 + i);
    e0 = madd(v, k, e0);
    e1 = madd(u, k, e1);
  }
  writeFour(d, row, group, addTail(sumEach(a0, b0, c0, e0), x, w, stride, i, bytes));
  writeFour(d, row + 1, group, addTail(sumEach(a1, b1, c1, e1), x1, w, stride, i, bytes));
}

/** Adds the columns after the last whole vector of x. (Reading on into the next row could hit NaN.) */
function addTail(sums: v128, x: usize, w: usize, stride: usize, from: usize, bytes: usize): v128 {
  for (let i = from; i < bytes; i += 4) {
    const at = w + i;
    let column = f32x4.splat(load<f32>(at));
    column = f32x4.replace_lane(column, 1, load<f32>(at + stride));
    column = f32x4.replace_lane(column, 2, load<f32>(at + stride * 2));
    column = f32x4.replace_lane(column, 3, load<f32>(at + stride * 3));
    sums = madd(column, v128.load32_splat(x + i), sums);
  }
  return sums;
}

/** dotOne with f16 weights, widened on the fly, since with one row of x they are used only once. */
function dotHalf(x: usize, w: usize, stride: usize, inputs: i32): v128 {
  const mask = v128.load(HALF_MASK);
  const w1 = w + stride;
  const w2 = w1 + stride;
  const w3 = w2 + stride;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let e = a;
  const whole = inputs & ~7;
  let k = 0;
  for (; k < whole; k += 8) {
    const at = (<usize>k) << 1;
    const low = v128.load(x + ((<usize>k) << 2));
    const high = v128.load(x + ((<usize>k) << 2), 16);
    let h = v128.load(w + at);
    a = madd(high, halfHigh(h, mask), madd(low, halfLow(h, mask), a));
    h = v128.load(w1 + at);
    b = madd(high, halfHigh(h, mask), madd(low, halfLow(h, mask), b));
    h = v128.load(w2 + at);
    c = madd(high, halfHigh(h, mask), madd(low, halfLow(h, mask), c));
    h = v128.load(w3 + at);
    e = madd(high, halfHigh(h, mask), madd(low, halfLow(h, mask), e));
  }
  let sums = sumEach(a, b, c, e);
  for (; k < inputs; k++) {
    const at = w + ((<usize>k) << 1);
    let column = f32x4.splat(half(at));
    column = f32x4.replace_lane(column, 1, half(at + stride));
    column = f32x4.replace_lane(column, 2, half(at + stride * 2));
    column = f32x4.replace_lane(column, 3, half(at + stride * 3));
    sums = madd(column, v128.load32_splat(x + ((<usize>k) << 2)), sums);
  }
  return sums;
}
