/** Sizes of CLIP's crops and patches; engine/layers/patches.ts has the same. */
const ACROSS: i32 = 24;
const SIZE: i32 = 14;
/** Bytes of a colour of a patch in f32. */
const PLANE: i32 = SIZE * SIZE * 4;

/** By colour, the bytes of four pixels of RGB as i32. */
// prettier-ignore
const FOUR_PIXELS = memory.data<u8>([
  0, 255, 255, 255, 3, 255, 255, 255, 6, 255, 255, 255, 9, 255, 255, 255,
  1, 255, 255, 255, 4, 255, 255, 255, 7, 255, 255, 255, 10, 255, 255, 255,
  2, 255, 255, 255, 5, 255, 255, 255, 8, 255, 255, 255, 11, 255, 255, 255,
], 16);

/**
 * The patches of a crop in f32, row by row, the values of each by colour, then row. rowBytes: from a row of the crop to the
 * next. normal: for each colour a factor and an addend in f32.
 */
export function bytePatches(from: usize, rowBytes: i32, normal: usize, to: usize): void {
  for (let patch = 0; patch < ACROSS * ACROSS; patch++) {
    const corner = from + <usize>(SIZE * ((patch / ACROSS) * rowBytes + 3 * (patch % ACROSS)));
    for (let y = 0; y < SIZE; y++) {
      const at = corner + <usize>(y * rowBytes);
      fourPixels(at, normal, to);
      fourPixels(at + 12, normal, to + 16);
      fourPixels(at + 24, normal, to + 32);
      // The last two, and once more the two in front of them.
      fourPixels(at + 30, normal, to + 40);
      to += 4 * SIZE;
    }
    to += 2 * PLANE;
  }
}

// @inline
function fourPixels(from: usize, normal: usize, to: usize): void {
  const bytes = v128.load(from);
  for (let c: usize = 0; c < 3; c++) {
    const values = f32x4.convert_i32x4_s(i8x16.swizzle(bytes, v128.load(FOUR_PIXELS + (c << 4))));
    const scaled = f32x4.mul(values, v128.load32_splat(normal + (c << 3)));
    v128.store(to + c * PLANE, f32x4.add(scaled, v128.load32_splat(normal + (c << 3), 4)));
  }
}

/** The same of a crop in f32, whose rows lie behind each other. */
export function floatPatches(from: usize, normal: usize, to: usize): void {
  for (let patch = 0; patch < ACROSS * ACROSS; patch++) {
    const corner = from + <usize>(12 * SIZE * ((patch / ACROSS) * SIZE * ACROSS + (patch % ACROSS)));
    for (let y = 0; y < SIZE; y++) {
      let at = corner + <usize>(12 * SIZE * ACROSS * y);
      for (let x = 0; x < SIZE; x++) {
        store<f32>(to, load<f32>(at) * load<f32>(normal) + load<f32>(normal, 4));
        store<f32>(to, load<f32>(at, 4) * load<f32>(normal, 8) + load<f32>(normal, 12), PLANE);
        store<f32>(to, load<f32>(at, 8) * load<f32>(normal, 16) + load<f32>(normal, 20), 2 * PLANE);
        at += 12;
        to += 4;
      }
    }
    to += 2 * PLANE;
  }
}
