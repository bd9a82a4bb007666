/**
 * Scales a row of RGB across, each sample as the sum of four. taps: for each of the `pixels` that are written, the pixels
 * that it is made of, as four i32, and their weights, as four f64. to: f64.
 */
export function bicubicRow(from: usize, taps: usize, pixels: i32, to: usize): void {
  for (let x = 0; x < pixels; x++) {
    let r: f64 = 0;
    let g: f64 = 0;
    let b: f64 = 0;
    for (let k: usize = 0; k < 4; k++) {
      const at = from + 3 * <usize>load<u32>(taps + (k << 2));
      const weight = load<f64>(taps + 16 + (k << 3));
      r += weight * <f64>load<u8>(at);
      g += weight * <f64>load<u8>(at, 1);
      b += weight * <f64>load<u8>(at, 2);
    }
    store<f64>(to, r);
    store<f64>(to, g, 8);
    store<f64>(to, b, 16);
    taps += 48;
    to += 24;
  }
}

/**
 * The sum of four rows of f64, in f32. rows: four rows of `values`, of which row n of the picture lies at n modulo 4. taps:
 * as for one pixel in bicubicRow.
 */
export function bicubicMix(rows: usize, taps: usize, values: i32, to: usize): void {
  for (let i = 0; i < values; i++) {
    let sum: f64 = 0;
    for (let k: usize = 0; k < 4; k++) {
      const row = (load<i32>(taps + (k << 2)) & 3) * values;
      sum += load<f64>(taps + 16 + (k << 3)) * load<f64>(rows + ((<usize>(row + i)) << 3));
    }
    store<f32>(to + ((<usize>i) << 2), <f32>sum);
  }
}
