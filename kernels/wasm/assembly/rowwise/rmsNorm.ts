import { madd, sumLanes } from '../simd';

/**
 * y = x / sqrt(mean(x^2) + eps) * weight, row by row. x, y: (rows, cols), weight: (cols), f32 row-major.
 * An item is a row. Words: 3 x, 4 weight, 5 y, 6 cols, 7 eps (f32).
 */
export function rmsNorm(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 24);
  const rowBytes = (<usize>cols) << 2;
  for (let row = from; row < to; row++) {
    const offset = <usize>row * rowBytes;
    const x = load<u32>(d, 12) + offset;
    scaleBy(x, load<u32>(d, 16), load<u32>(d, 20) + offset, cols, inverseRms(x, cols, load<f32>(d, 28)));
  }
}

/** 1 / sqrt(mean(x^2) + eps). */
export function inverseRms(x: usize, cols: i32, eps: f32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let e = a;
  const whole = cols & ~15;
  let k = 0;
  for (; k < whole; k += 16) {
    const at = x + ((<usize>k) << 2);
    const v0 = v128.load(at);
    const v1 = v128.load(at, 16);
    const v2 = v128.load(at, 32);
    const v3 = v128.load(at, 48);
    a = madd(v0, v0, a);
    b = madd(v1, v1, b);
    c = madd(v2, v2, c);
    e = madd(v3, v3, e);
  }
  let sum = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, e)));
  for (; k < cols; k++) {
    const v = load<f32>(x + ((<usize>k) << 2));
    sum += v * v;
  }
  return 1.0 / sqrt<f32>(sum / <f32>cols + eps);
}

/** y = x * inverse * weight. */
export function scaleBy(x: usize, weight: usize, y: usize, cols: i32, inverse: f32): void {
  const factor = f32x4.splat(inverse);
  let k = 0;
  for (; k + 4 <= cols; k += 4) {
    const at = (<usize>k) << 2;
    v128.store(y + at, f32x4.mul(f32x4.mul(v128.load(x + at), factor), v128.load(weight + at)));
  }
  for (; k < cols; k++) {
    const at = (<usize>k) << 2;
    store<f32>(y + at, load<f32>(x + at) * inverse * load<f32>(weight + at));
  }
}
