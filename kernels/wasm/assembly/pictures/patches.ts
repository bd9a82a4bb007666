/** Sizes of CLIP's crops and patches; engine/layers/patches.ts has the same. */
const ACROSS: i32 = 24;
const SIZE: i32 = 14;
/** Bytes of a colour of a patch in f32. */
const PLANE: i32 = SIZE * SIZE * 4;

/**
 * The patches of a crop in f32, row by row, the values of each by colour, then row. rowBytes: from a row of the crop to the
 * next. normalised: for each colour the 256 values that stand for its bytes.
 */
export function bytePatches(from: usize, rowBytes: i32, normalised: usize, to: usize): void {
  for (let patch = 0; patch < ACROSS * ACROSS; patch++) {
    const corner = from + <usize>(SIZE * ((patch / ACROSS) * rowBytes + 3 * (patch % ACROSS)));
    for (let y = 0; y < SIZE; y++) {
      let at = corner + <usize>(y * rowBytes);
      for (let x = 0; x < SIZE; x++) {
        store<f32>(to, load<f32>(normalised + ((<usize>load<u8>(at)) << 2)));
        store<f32>(to, load<f32>(normalised + ((<usize>load<u8>(at, 1)) << 2), 1024), PLANE);
        store<f32>(to, load<f32>(normalised + ((<usize>load<u8>(at, 2)) << 2), 2048), 2 * PLANE);
        at += 3;
        to += 4;
      }
    }
    to += 2 * PLANE;
  }
}

/** The same of a crop in f32. normal: for each colour a factor and an addend in f64. */
export function floatPatches(from: usize, normal: usize, to: usize): void {
  for (let patch = 0; patch < ACROSS * ACROSS; patch++) {
    const corner = from + <usize>(12 * SIZE * ((patch / ACROSS) * SIZE * ACROSS + (patch % ACROSS)));
    for (let y = 0; y < SIZE; y++) {
      let at = corner + <usize>(12 * SIZE * ACROSS * y);
      for (let x = 0; x < SIZE; x++) {
        store<f32>(to, <f32>(<f64>load<f32>(at) * load<f64>(normal) + load<f64>(normal, 8)));
        store<f32>(to, <f32>(<f64>load<f32>(at, 4) * load<f64>(normal, 16) + load<f64>(normal, 24)), PLANE);
        store<f32>(to, <f32>(<f64>load<f32>(at, 8) * load<f64>(normal, 32) + load<f64>(normal, 40)), 2 * PLANE);
        at += 12;
        to += 4;
      }
    }
    to += 2 * PLANE;
  }
}
