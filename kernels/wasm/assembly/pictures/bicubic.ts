/**
 * Scales a row of RGB across, each sample as the sum of four. taps: for each of the `pixels` that are written, the pixels
 * that it is made of, as four i32, and their weights, as four f64. to: f64.
 */
export function bicubicRow(from: usize, taps: usize, pixels: i32, to: usize): void {
  for (let x = 0; x < pixels; x++) {
    let rg = f64x2.splat(0);
    let b = rg;
    for (let k: usize = 0; k < 4; k++) {
      const pixel = v128.load32_zero(from + 3 * <usize>load<u32>(taps + (k << 2)));
      const colours = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(pixel));
      const weight = v128.load64_splat(taps + 16 + (k << 3));
      rg = f64x2.add(rg, f64x2.mul(weight, f64x2.convert_low_i32x4_u(colours)));
      const blue = v128.shuffle<i32>(colours, colours, 2, 2, 2, 2);
      b = f64x2.add(b, f64x2.mul(weight, f64x2.convert_low_i32x4_u(blue)));
    }
    v128.store(to, rg);
    store<f64>(to, f64x2.extract_lane(b, 0), 16);
    taps += 48;
    to += 24;
  }
}

/**
 * The sum of four rows of f64, in f32. rows: four rows of `values`, an even number, of which row n of the picture lies at n
 * modulo 4. taps: as for one pixel in bicubicRow.
 */
export function bicubicMix(rows: usize, taps: usize, values: i32, to: usize): void {
  const bytes = (<usize>values) << 3;
  for (let i: usize = 0; i < bytes; i += 16) {
    let sum = f64x2.splat(0);
    for (let k: usize = 0; k < 4; k++) {
      const row = rows + <usize>(load<u32>(taps + (k << 2)) & 3) * bytes;
      sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(taps + 16 + (k << 3)), v128.load(row + i)));
    }
    v128.store64_lane(to + (i >> 1), f32x4.demote_f64x2_zero(sum), 0);
  }
}
