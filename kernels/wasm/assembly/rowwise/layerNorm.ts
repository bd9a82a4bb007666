import { madd, sumLanes } from '../simd';

/**
 * y = (x - mean) / sqrt(variance + eps) * weight + bias, row by row; variance = mean((x - mean)^2).
 * x, y: (rows, cols), weight, bias: (cols), f32 row-major.
 * An item is a row. Words: 3 x, 4 weight, 5 bias, 6 y, 7 cols, 8 eps (f32).
 */
export function layerNorm(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 28);
  const rowBytes = (<usize>cols) << 2;
  for (let row = from; row < to; row++) {
    const x: usize = load<u32>(d, 12) + <usize>row * rowBytes;
    const centre = mean(x, cols);
    const remainder = rest(x, cols, centre);
    const inverse = inverseDeviation(x, cols, centre, remainder, load<f32>(d, 32));
    const y: usize = load<u32>(d, 24) + <usize>row * rowBytes;
    layerNormRow(x, load<u32>(d, 16), load<u32>(d, 20), y, cols, centre, remainder, inverse);
  }
}

export function mean(x: usize, cols: i32): f32 {
  return sum(x, cols, 0) / <f32>cols;
}

/** The part of the mean lost to rounding, which matters if the mean is large compared with the deviations. */
export function rest(x: usize, cols: i32, mean: f32): f32 {
  return sum(x, cols, mean) / <f32>cols;
}

export function inverseDeviation(x: usize, cols: i32, mean: f32, rest: f32, eps: f32): f32 {
  return 1.0 / sqrt<f32>(squares(x, cols, mean, rest) / <f32>cols + eps);
}

/** sum(x - mean). */
function sum(x: usize, cols: i32, mean: f32): f32 {
  const centre = f32x4.splat(mean);
  let a = f32x4.splat(0);
  let b = a;
  let k = 0;
  for (; k + 8 <= cols; k += 8) {
    const at = x + ((<usize>k) << 2);
    a = f32x4.add(a, f32x4.sub(v128.load(at), centre));
    b = f32x4.add(b, f32x4.sub(v128.load(at, 16), centre));
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; k < cols; k++) total += load<f32>(x + ((<usize>k) << 2)) - mean;
  return total;
}

/** sum((x - mean - rest)^2); a pass of its own, because sum(x^2) - cols mean^2 would cancel. */
function squares(x: usize, cols: i32, mean: f32, rest: f32): f32 {
  const centre = f32x4.splat(mean);
  const rests = f32x4.splat(rest);
  let a = f32x4.splat(0);
  let b = a;
  let k = 0;
  for (; k + 8 <= cols; k += 8) {
    const at = x + ((<usize>k) << 2);
    const v0 = f32x4.sub(f32x4.sub(v128.load(at), centre), rests);
    const v1 = f32x4.sub(f32x4.sub(v128.load(at, 16), centre), rests);
    a = madd(v0, v0, a);
    b = madd(v1, v1, b);
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; k < cols; k++) {
    const v = load<f32>(x + ((<usize>k) << 2)) - mean - rest;
    total += v * v;
  }
  return total;
}

export function layerNormRow(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  cols: i32,
  mean: f32,
  rest: f32,
  inverse: f32,
): void {
  const centre = f32x4.splat(mean);
  const rests = f32x4.splat(rest);
  const factor = f32x4.splat(inverse);
  let k = 0;
  for (; k + 4 <= cols; k += 4) {
    const at = (<usize>k) << 2;
    const v = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x + at), centre), rests), factor);
    v128.store(y + at, madd(v, v128.load(weight + at), v128.load(bias + at)));
  }
  for (; k < cols; k++) {
    const at = (<usize>k) << 2;
    store<f32>(y + at, (load<f32>(x + at) - mean - rest) * inverse * load<f32>(weight + at) + load<f32>(bias + at));
  }
}
