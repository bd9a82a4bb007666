import { exp4 } from '../simd';

/**
 * y = up * gate * sigmoid(gate). gateUp: (rows, 2 width), gate first; y: (rows, width), f32.
 * An item is a stretch of 256 columns of a row. Words: 3 gateUp, 4 y, 5 width, 6 stretches per row.
 */
export function siluMul(d: usize, from: i32, to: i32): void {
  const width = load<i32>(d, 20);
  const stretches = load<i32>(d, 24);
  for (let item = from; item < to; item++) {
    const row = item / stretches;
    const start = (item - row * stretches) << 8;
    const gate: usize = load<u32>(d, 12) + ((<usize>row * 2 * <usize>width + <usize>start) << 2);
    const y: usize = load<u32>(d, 16) + ((<usize>row * <usize>width + <usize>start) << 2);
    siluStretch(gate, gate + ((<usize>width) << 2), y, min(256, width - start));
  }
}

export function siluStretch(gate: usize, up: usize, y: usize, count: i32): void {
  const one = f32x4.splat(1);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const at = (<usize>k) << 2;
    const g = v128.load(gate + at);
    const product = f32x4.mul(v128.load(up + at), g);
    v128.store(y + at, f32x4.div(product, f32x4.add(one, exp4(f32x4.neg(g)))));
  }
  for (; k < count; k++) {
    const at = (<usize>k) << 2;
    const g = load<f32>(gate + at);
    const e = f32x4.extract_lane(exp4(f32x4.splat(-g)), 0);
    store<f32>(y + at, (load<f32>(up + at) * g) / (1.0 + e));
  }
}
