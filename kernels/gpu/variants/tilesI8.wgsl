// The arithmetic of tiles.wgsl: x rounded to bytes, its largest magnitude to 127, and multiplied with the codes of w, which
// are bytes in every quantised format. Sums of a group are exact.
alias Quad = u32; // four bytes
alias Sum = i32;
const ONES = 0x01010101u;
const SCALES_W = false;

fn scaleFor(largest: f32) -> f32 {
  return largest / 127;
}

fn packX(values: vec4f) -> Quad {
  return pack4xI8(vec4i(round(values)));
}

/// The codes of quad `index`.
fn packW(block: vec4u, fifths: u32, index: u32, inverse: f32) -> Quad {
  if (FORMAT == 2) {
    return block[index];
  }
  let nibbles = (block[index >> 1] >> (4 * (index & 1))) & 0x0f0f0f0f;
  if (FORMAT == 3) {
    return ((nibbles | 0x80808080) - 0x08080808) ^ 0x80808080; // Eight less, byte by byte.
  } else if (FORMAT == 4) {
    let levels = unpack4xU8(nibbles);
    return pack4xI8(vec4i(vec4f(LEVELS[levels.x], LEVELS[levels.y], LEVELS[levels.z], LEVELS[levels.w])));
  } else if (FORMAT == 5 || FORMAT == 8) {
    return nibbles;
  } else if (FORMAT == 6 || FORMAT == 9) {
    return nibbles | (((fifths >> index) & 0x01010101) << 4);
  } else {
    return nibbles | (((block.z >> (2 * index)) & 0x03030303) << 4);
  }
}

fn product(v: Quad, w: Quad) -> Sum {
  return dot4I8Packed(v, w);
}

