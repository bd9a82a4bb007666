import { scratch } from '../thread';
import { addValues, half, halfHigh, halfLow, HALF_MASK, madd, sumEach, widen } from '../simd';
import { DTypeCode, FLOAT_ROWS, FLOAT_SCRATCH, FLOAT_STRIP_ROWS, FLOAT_TOKENS } from '../opcodes';

/** Where the sums of dotSix lie in scratch, and the weights behind them. The first 16 bytes belong to writeFour. */
const SUMS: usize = 64;
const WIDENED: usize = FLOAT_SCRATCH;

/**
 * y = x w^T + bias + residual with f32 or f16 weights, in f32. x: (rows, in), w: (out, in), y, residual: (rows, out), bias:
 * (out). Rows of w are padded to a multiple of 8 values, their number to a multiple of 4.
 *
 * An item is (block of 96 rows of x, 4 rows of w). Words: 3 x, 4 w, 5 y, 6 residual or 0, 7 rows, 8 out, 9 in, 10 dtype,
 * 11 bytes per row of w, 12 bias or 0. Thread scratch: FLOAT_SCRATCH bytes, 4 rows of w as f32.
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
      widen(w, scratch + WIDENED, <i32>(rowBytes << 1)); // 4 rows
      w = scratch + WIDENED;
    }
    const rowOfX = (<usize>inputs) << 2;
    let row = first;
    for (; row + FLOAT_STRIP_ROWS <= end; row += FLOAT_STRIP_ROWS) {
      dotSix(d, row, group, load<u32>(d, 12) + <usize>row * rowOfX, w, stride, inputs);
    }
    for (; row < end; row++) {
      writeFour(d, row, group, dotOne(load<u32>(d, 12) + <usize>row * rowOfX, w, stride, inputs));
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

/** dotOne for six rows of x from `row` on, written to y. Scratch: their sums, of which each row has four vectors. */
function dotSix(d: usize, row: i32, group: i32, x: usize, w: usize, stride: usize, inputs: i32): void {
  const bytes = (<usize>inputs) << 2;
  const whole = bytes & ~15;
  sumsOfTwo(x, bytes, w, w + stride, whole, scratch + SUMS);
  sumsOfTwo(x, bytes, w + stride * 2, w + stride * 3, whole, scratch + SUMS + 32);
  const rowBytes = (<usize>load<u32>(d, 32)) << 2;
  const residual: usize = load<u32>(d, 24);
  const isPlain = whole === bytes && (<usize>group + 1) << 4 <= rowBytes;
  let place = <usize>row * rowBytes + ((<usize>group) << 4);
  let at = scratch + SUMS;
  for (let i = 0; i < FLOAT_STRIP_ROWS; i++, at += 64, place += rowBytes, x += bytes) {
    let sums = sumEach(v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
    if (!isPlain) {
      writeFour(d, row + i, group, addTail(sums, x, w, stride, whole, bytes));
      continue;
    }
    if (load<u32>(d, 48)) sums = f32x4.add(sums, v128.load(load<u32>(d, 48) + ((<usize>group) << 4)));
    if (residual) sums = f32x4.add(sums, v128.load(residual + place));
    v128.store(load<u32>(d, 20) + place, sums);
  }
}

/**
 * to[row of x, row of w]: the four partial sums of six rows of x with rows w and v. Twelve of them are as many as the
 * registers hold beside the operands, and with eight loads for twelve products the multipliers are what it waits for.
 */
function sumsOfTwo(x: usize, bytes: usize, w: usize, v: usize, whole: usize, to: usize): void {
  const x1 = x + bytes;
  const x2 = x1 + bytes;
  const x3 = x2 + bytes;
  const x4 = x3 + bytes;
  const x5 = x4 + bytes;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let b4 = a0;
  let b5 = a0;
  for (let i: usize = 0; i < whole; i += 16) {
    const k = v128.load(w + i);
    const l = v128.load(v + i);
    let u = v128.load(x + i);
    a0 = madd(u, k, a0);
    b0 = madd(u, l, b0);
    u = v128.load(x1 + i);
    a1 = madd(u, k, a1);
    b1 = madd(u, l, b1);
    u = v128.load(x2 + i);
    a2 = madd(u, k, a2);
    b2 = madd(u, l, b2);
    u = v128.load(x3 + i);
    a3 = madd(u, k, a3);
    b3 = madd(u, l, b3);
    u = v128.load(x4 + i);
    a4 = madd(u, k, a4);
    b4 = madd(u, l, b4);
    u = v128.load(x5 + i);
    a5 = madd(u, k, a5);
    b5 = madd(u, l, b5);
  }
  v128.store(to, a0);
  v128.store(to, b0, 16);
  v128.store(to, a1, 64);
  v128.store(to, b1, 80);
  v128.store(to, a2, 128);
  v128.store(to, b2, 144);
  v128.store(to, a3, 192);
  v128.store(to, b3, 208);
  v128.store(to, a4, 256);
  v128.store(to, b4, 272);
  v128.store(to, a5, 320);
  v128.store(to, b5, 336);
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
