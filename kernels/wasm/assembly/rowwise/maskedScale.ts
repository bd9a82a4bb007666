/**
 * y = x * factor where mask is not 0, else the lowest f32. x, y: (rows, cols), mask: (cols), f32.
 * An item is a stretch of 1024 columns of a row. Words: 3 x, 4 mask, 5 y, 6 cols, 7 stretches per row, 8 factor (f32).
 */
export function maskedScale(d: usize, from: i32, to: i32): void {
  const cols = load<i32>(d, 24);
  const stretches = load<i32>(d, 28);
  for (let item = from; item < to; item++) {
    const row = item / stretches;
    const start = (item - row * stretches) << 10;
    const at = (<usize>row * <usize>cols + <usize>start) << 2;
    const mask: usize = load<u32>(d, 16) + ((<usize>start) << 2);
    stretch(load<u32>(d, 12) + at, mask, load<u32>(d, 20) + at, min(1024, cols - start), load<f32>(d, 32));
  }
}

function stretch(x: usize, mask: usize, y: usize, count: i32, factor: f32): void {
  const lowest = f32x4.splat(-f32.MAX_VALUE);
  const zero = f32x4.splat(0);
  const factors = f32x4.splat(factor);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const at = (<usize>k) << 2;
    const scaled = f32x4.mul(v128.load(x + at), factors);
    v128.store(y + at, v128.bitselect(scaled, lowest, f32x4.ne(v128.load(mask + at), zero)));
  }
  for (; k < count; k++) {
    const at = (<usize>k) << 2;
    store<f32>(y + at, load<f32>(mask + at) !== 0 ? load<f32>(x + at) * factor : -f32.MAX_VALUE);
  }
}
