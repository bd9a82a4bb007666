// A weight matrix (out, in) as every kernel reads it. Put in front of the kernels that use it.
// Rows are sequences of blocks of 16 bytes; a block holds BLOCK_QUADS quads (4 consecutive values along `in`):
//   FORMAT 0, f32: 1 quad    FORMAT 1, f16: 2 quads, two values a word    FORMAT 2, q8: 4 quads, a signed byte a value
//   FORMAT 3, q4: 8 quads, two a word: the low nibbles of a word's bytes are the first, the high nibbles the second;
//                 a nibble holds q + 8
// `in` is padded with zeros to a whole block. q8 and q4 have one f16 scale per 8 quads, two a word, rows on whole words.
override FORMAT: u32;
override BLOCK_QUADS: u32 = 1u << FORMAT;

@group(0) @binding(0) var<storage, read> blocks: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

/// Quad `index` of a block, not yet scaled.
fn quadOf(block: vec4u, index: u32) -> vec4f {
  if (FORMAT == 0) {
    return bitcast<vec4f>(block);
  } else if (FORMAT == 1) {
    return vec4f(unpack2x16float(block[2 * index]), unpack2x16float(block[2 * index + 1]));
  } else if (FORMAT == 2) {
    return vec4f(unpack4xI8(block[index]));
  } else {
    return vec4f(unpack4xU8((block[index >> 1] >> (4 * (index & 1))) & 0x0f0f0f0f)) - 8.0;
  }
}

/// The factor of the block at `block` of `row`, of rows of `scaleWords` words of scales.
fn scaleOf(row: u32, block: u32, scaleWords: u32) -> f32 {
  if (FORMAT < 2) {
    return 1.0;
  }
  let group = block * BLOCK_QUADS / 8;
  return unpack2x16float(scales[row * scaleWords + group / 2])[group & 1];
}
