import { exp4 } from '../simd';

/**
 * y[i] = a sigmoid(1.702 a) (l + 1), a = min(x[2i], limit), l = clamp(x[2i + 1], -limit, limit).
 * x: (rows, 2 width), gate and linear interleaved; y: (rows, width), f32, which the kernel treats as one long row.
 * An item is a stretch of 256 values of y. Words: 3 x, 4 y, 5 rows width, 6 limit (f32).
 */
export function gegelu(d: usize, from: i32, to: i32): void {
  const start = from << 8;
  const end = min(to << 8, load<i32>(d, 20));
  const x: usize = load<u32>(d, 12) + ((<usize>start) << 3);
  gegeluStretch(x, load<u32>(d, 16) + ((<usize>start) << 2), end - start, load<f32>(d, 24));
}

export function gegeluStretch(x: usize, y: usize, count: i32, bound: f32): void {
  const limit = f32x4.splat(bound);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const first = v128.load(x);
    const second = v128.load(x, 16);
    const gate = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
    v128.store(y, gegelu4(gate, v128.shuffle<i32>(first, second, 1, 3, 5, 7), limit));
    x += 32;
    y += 16;
  }
  for (; k < count; k++) {
    const value = gegelu4(v128.load32_splat(x), v128.load32_splat(x, 4), limit);
    store<f32>(y, f32x4.extract_lane(value, 0));
    x += 8;
    y += 4;
  }
}

// @inline
function gegelu4(gate: v128, linear: v128, limit: v128): v128 {
  const one = f32x4.splat(1);
  const a = f32x4.min(gate, limit);
  const l = f32x4.max(f32x4.min(linear, limit), f32x4.neg(limit));
  const denominator = f32x4.add(one, exp4(f32x4.mul(a, f32x4.splat(-1.702))));
  return f32x4.div(f32x4.mul(a, f32x4.add(l, one)), denominator);
}
