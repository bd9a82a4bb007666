import { exp4, madd } from '../simd';

/**
 * y = x sigmoid(1.702 x) or, exactly, x (1 + erf(x / sqrt(2))) / 2, value by value. An item is a stretch of 256 values.
 * Words: 3 x, 4 y, 5 number of values, 6 exact (1) or quick (0).
 */
export function gelu(d: usize, from: i32, to: i32): void {
  const start = from << 8;
  const end = min(to << 8, load<i32>(d, 20));
  const exact = load<i32>(d, 24) !== 0;
  let x: usize = load<u32>(d, 12) + ((<usize>start) << 2);
  let y: usize = load<u32>(d, 16) + ((<usize>start) << 2);
  let k = start;
  for (; k + 4 <= end; k += 4) {
    v128.store(y, exact ? exactGelu(v128.load(x)) : quickGelu(v128.load(x)));
    x += 16;
    y += 16;
  }
  for (; k < end; k++) {
    const value = v128.load32_splat(x);
    store<f32>(y, f32x4.extract_lane(exact ? exactGelu(value) : quickGelu(value), 0));
    x += 4;
    y += 4;
  }
}

// @inline
function quickGelu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp4(f32x4.mul(x, f32x4.splat(-1.702)))));
}

/** erf with an absolute error of 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function exactGelu(x: v128): v128 {
  const one = f32x4.splat(1);
  const z = f32x4.mul(f32x4.abs(x), f32x4.splat(0.70710678));
  const t = f32x4.div(one, madd(z, f32x4.splat(0.3275911), one));
  let sum = f32x4.splat(1.061405429);
  sum = madd(sum, t, f32x4.splat(-1.453152027));
  sum = madd(sum, t, f32x4.splat(1.421413741));
  sum = madd(sum, t, f32x4.splat(-0.284496736));
  sum = madd(sum, t, f32x4.splat(0.254829592));
  // 1 - erf(|z|), halved: what the negative side keeps of x.
  const tail = f32x4.mul(f32x4.mul(sum, t), f32x4.mul(exp4(f32x4.neg(f32x4.mul(z, z))), f32x4.splat(0.5)));
  const negative = f32x4.lt(x, f32x4.splat(0));
  return f32x4.mul(x, v128.bitselect(tail, f32x4.sub(one, tail), negative));
}
