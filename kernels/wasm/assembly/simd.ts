/** Vector helpers. ASC_FEATURE_RELAXED_SIMD is known at compile time, so each build contains only one path. */

/** 0x8FFFE000 four times. A constant in code would be rebuilt at every use, whereas a load is free. */
export const HALF_MASK = memory.data<u32>([0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000], 16);
/** An f16 whose bits are shifted into the exponent and fraction of an f32 is too small by this factor, 2^112. */
export const HALF_SCALE: f32 = 5192296858534827628530496329220096.0;
/**
 * Of that, quantised activations bring 2^64 in their scale, which their sums times the scale can stand, and whoever
 * reads the sums of products the other 2^48.
 */
export const X_SCALE: f32 = 18446744073709551616.0;
export const SUM_SCALE: f32 = 281474976710656.0;

/** a * b + c, rounded once or twice. */
// @inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The sum of four lanes. */
// @inline
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** to += from, `count` f32 each. */
export function addValues(to: usize, from: usize, count: i32): void {
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const at = (<usize>k) << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
  for (; k < count; k++) {
    const at = (<usize>k) << 2;
    store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
  }
}

/** to = from * factor, `count` f32 each. */
export function scaleValues(from: usize, to: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const at = (<usize>k) << 2;
    v128.store(to + at, f32x4.mul(v128.load(from + at), factors));
  }
  for (; k < count; k++) store<f32>(to + ((<usize>k) << 2), load<f32>(from + ((<usize>k) << 2)) * factor);
}

/** The largest of four lanes. */
// @inline
export function maxLane(v: v128): f32 {
  const pairs = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** The sums of four vectors, one per lane. */
// @inline
export function sumEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** 1.5 * 2^23: adding it rounds to an integer, which is then in the low bits. */
export const ROUNDER: f32 = 12582912.0;

/** The constants of exp4. One in code would be rebuilt at every use. */
// prettier-ignore
const EXP = memory.data<f32>([
  88.0, -87.0, 1.4426950408889634, ROUNDER, 0.693359375, -2.1219444e-4,
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5,
  1.0, -86.9,
], 16);

/** e^x by Cephes' polynomial of degree 5, after extracting powers of two; relative error 2e-7, 0 below -86.9. */
// @inline
export function exp4(value: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(value, v128.load32_splat(EXP)), v128.load32_splat(EXP, 4));
  const rounder = v128.load32_splat(EXP, 12);
  const shifted = f32x4.add(f32x4.mul(x, v128.load32_splat(EXP, 8)), rounder);
  const n = f32x4.sub(shifted, rounder);
  let r = f32x4.sub(x, f32x4.mul(n, v128.load32_splat(EXP, 16)));
  r = f32x4.sub(r, f32x4.mul(n, v128.load32_splat(EXP, 20)));
  let p = madd(v128.load32_splat(EXP, 24), r, v128.load32_splat(EXP, 28));
  p = madd(p, r, v128.load32_splat(EXP, 32));
  p = madd(p, r, v128.load32_splat(EXP, 36));
  p = madd(p, r, v128.load32_splat(EXP, 40));
  p = madd(p, r, v128.load32_splat(EXP, 44));
  p = madd(p, f32x4.mul(r, r), f32x4.add(r, v128.load32_splat(EXP, 48)));
  const power = i32x4.add(i32x4.shl(shifted, 23), v128.load32_splat(EXP, 48)); // The low bits of `shifted` are n.
  return v128.andnot(f32x4.mul(p, power), f32x4.lt(value, v128.load32_splat(EXP, 52)));
}

/** sum(exp((x - base) factor)) of `count` values. */
export function sumExp(x: usize, count: i32, base: f32, factor: f32): f32 {
  const shift = f32x4.splat(base);
  const factors = f32x4.splat(factor);
  let sums = f32x4.splat(0);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const lower = f32x4.sub(v128.load(x + ((<usize>k) << 2)), shift);
    sums = f32x4.add(sums, exp4(f32x4.mul(lower, factors)));
  }
  let sum = sumLanes(sums);
  for (; k < count; k++) sum += exp((load<f32>(x + ((<usize>k) << 2)) - base) * factor);
  return sum;
}

/** e^x, as exp4 computes it. */
export function exp(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

/** Lower four of eight f16 as f32. */
// @inline
export function halfLow(h: v128, mask: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(h), 13), mask), f32x4.splat(HALF_SCALE));
}

/** Upper four of eight f16 as f32. */
// @inline
export function halfHigh(h: v128, mask: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(h), 13), mask), f32x4.splat(HALF_SCALE));
}

/** One f16 as f32. */
// @inline
export function half(at: usize): f32 {
  return reinterpret<f32>(((<i32>load<i16>(at)) << 13) & (<i32>0x8fffe000)) * HALF_SCALE;
}

// @inline
export function isFiniteHalf(at: usize): bool {
  return (load<u16>(at) & 0x7c00) !== 0x7c00;
}

/** `count` (rounded up to a multiple of 8) f16 to f32. */
export function widen(from: usize, to: usize, count: i32): void {
  const mask = v128.load(HALF_MASK);
  for (let i = 0; i < count; i += 8) {
    const h = v128.load(from);
    v128.store(to, halfLow(h, mask));
    v128.store(to, halfHigh(h, mask), 16);
    from += 16;
    to += 32;
  }
}

/** Four f32 as the bits of the nearest f16 (ties to even), one per i32 lane; saturates at the largest f16. */
// @inline
function narrow4(value: v128): v128 {
  const sign = v128.and(i32x4.shr_u(value, 16), i32x4.splat(0x8000));
  // Multiplying by 2^-112 gives the exponent the bias of f16.
  let bits = f32x4.mul(f32x4.min(f32x4.abs(value), f32x4.splat(65504.0)), f32x4.splat(1.925929944387236e-34));
  bits = i32x4.add(i32x4.add(bits, i32x4.splat(0xfff)), v128.and(i32x4.shr_u(bits, 13), i32x4.splat(1)));
  return v128.or(i32x4.shr_u(bits, 13), sign);
}

/** `count` (a multiple of 8) f32 to f16. */
export function narrow(from: usize, to: usize, count: i32): void {
  for (let i = 0; i < count; i += 8) {
    v128.store(to, i16x8.narrow_i32x4_u(narrow4(v128.load(from)), narrow4(v128.load(from, 16))));
    from += 32;
    to += 16;
  }
}
