// A weight matrix (out, in) as every kernel reads it. Put in front of the kernels that use it.
// Rows are sequences of blocks of 16 bytes; a block holds BLOCK_QUADS quads (4 consecutive values along `in`):
//   FORMAT 0, f32: 1 quad    FORMAT 1, f16: 2 quads, two values a word    FORMAT 2, q8: 4 quads, a signed byte a value
//   FORMAT 3, q4: 8 quads, two a word: the low nibbles of a word's bytes are the first, the high nibbles the second;
//                 a nibble holds code + 8
//   FORMAT 4, q4nl: as q4, but a nibble holds the number of a level
//   FORMAT 5, q4m: as q4, but a nibble holds the code    FORMAT 6, q5m: as q4m, the lower four bits of the code
//   FORMAT 7, q6m: 4 quads: their nibbles in two words; a word of upper bits; a word of factors
//   FORMAT 8, q4k: as q4m    FORMAT 9, q5k: as q5m
// `in` is padded with zeros to a whole block. What does not fit into blocks lies in `scales`, rows on whole words:
//   q8, q4, q4nl: one f16 scale per 8 quads, two a word    q4m: a word of factors per block
//   q5m: a word of factors and a word of upper bits per block
//   q4k, q5k: per super-block of 8 blocks 4 words as stored/q4K.ts has them: a word of factors (scale, negative minimum),
//             and 3 words with 6 bits for the own scale and minimum of each block; q5k then a word of upper bits per block
// Factors: an f16 scale in the lower half, an f16 minimum in the upper half; w = scale code + minimum.
// Upper bits: byte i has those of value i of every quad, one bit (q5m) or two (q6m) a quad, the first quad's lowest.
override FORMAT: u32;
override BLOCK_QUADS: u32;
override HAS_MINIMA: bool = FORMAT >= 5;
/// Words of `scales` for a super-block.
override SUPER_BLOCK_WORDS: u32 = select(12u, 4u, FORMAT == 8);

@group(0) @binding(0) var<storage, read> blocks: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

/// The levels of q4nl (IQ4_LEVELS of stored/iq4NL.ts).
const LEVELS = array<f32, 16>(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/// Quad `index` of a block, not yet scaled. fifths: what fifthBits() returns for the block.
fn quadOf(block: vec4u, fifths: u32, index: u32) -> vec4f {
  if (FORMAT == 0) {
    return bitcast<vec4f>(block);
  } else if (FORMAT == 1) {
    return vec4f(unpack2x16float(block[2 * index]), unpack2x16float(block[2 * index + 1]));
  } else if (FORMAT == 2) {
    return vec4f(unpack4xI8(block[index]));
  }
  let nibbles = (block[index >> 1] >> (4 * (index & 1))) & 0x0f0f0f0f;
  if (FORMAT == 3) {
    return vec4f(unpack4xU8(nibbles)) - 8.0;
  } else if (FORMAT == 4) {
    let levels = unpack4xU8(nibbles);
    return vec4f(LEVELS[levels.x], LEVELS[levels.y], LEVELS[levels.z], LEVELS[levels.w]);
  } else if (FORMAT == 5 || FORMAT == 8) {
    return vec4f(unpack4xU8(nibbles));
  } else if (FORMAT == 6 || FORMAT == 9) {
    return vec4f(unpack4xU8(nibbles | (((fifths >> index) & 0x01010101) << 4)));
  } else {
    return vec4f(unpack4xU8(nibbles | (((block.z >> (2 * index)) & 0x03030303) << 4)));
  }
}

/// The word of upper bits of q5m's or q5k's block at `at` of `row`, of rows of `scaleWords` words of scales.
fn fifthBits(row: u32, at: u32, scaleWords: u32) -> u32 {
  if (FORMAT == 6) {
    return scales[row * scaleWords + 2 * at + 1];
  } else if (FORMAT == 9) {
    return scales[row * scaleWords + at / 8 * SUPER_BLOCK_WORDS + 4 + at % 8];
  }
  return 0;
}

/// Scale and minimum of the block at `at` of `row`; 1 and 0 where the format has none.
fn factorsOf(block: vec4u, row: u32, at: u32, scaleWords: u32) -> vec2f {
  if (FORMAT < 2) {
    return vec2f(1, 0);
  } else if (FORMAT == 5) {
    return unpack2x16float(scales[row * scaleWords + at]);
  } else if (FORMAT == 6) {
    return unpack2x16float(scales[row * scaleWords + 2 * at]);
  } else if (FORMAT == 7) {
    return unpack2x16float(block.w);
  } else if (FORMAT >= 8) {
    return superBlockFactors(row * scaleWords + at / 8 * SUPER_BLOCK_WORDS, at % 8);
  }
  let group = at * BLOCK_QUADS / 8;
  return vec2f(unpack2x16float(scales[row * scaleWords + group / 2])[group & 1], 0);
}

/// The same for block `group` of the super-block whose words begin at `first`.
fn superBlockFactors(first: u32, group: u32) -> vec2f {
  let shift = 8 * (group & 3);
  // Of the scale and the minimum: blocks 0-3 have six bits of a byte, whose upper two are those of blocks 4-7.
  let bytes = vec2u(scales[first + 1], scales[first + 2]) >> vec2u(shift);
  let low = vec2u(scales[first + 3]) >> vec2u(shift, shift + 4);
  let own = select((low & vec2u(0x0f)) | ((bytes & vec2u(0xc0)) >> vec2u(2)), bytes & vec2u(0x3f), group < 4);
  let factors = scales[first];
  return vec2f(half(factors & 0xffff), -half(factors >> 16)) * vec2f(own);
}

/// An f16 as f32. The factors of super-blocks are often subnormal, which unpack2x16float may take for zero.
fn half(bits: u32) -> f32 {
  let magnitude = bits & 0x7fff;
  let value = select(bitcast<f32>((magnitude << 13) + 0x38000000), f32(magnitude) * 0x1p-24, magnitude < 0x400);
  return select(value, -value, bits > 0x7fff);
}

/// Quad `quad` of `row`, of rows of `blocksPerRow` blocks.
fn weightQuad(row: u32, quad: u32, blocksPerRow: u32, scaleWords: u32) -> vec4f {
  let at = quad / BLOCK_QUADS;
  let block = blocks[row * blocksPerRow + at];
  let factors = factorsOf(block, row, at, scaleWords);
  let scaled = quadOf(block, fifthBits(row, at, scaleWords), quad % BLOCK_QUADS) * factors.x;
  if (HAS_MINIMA) {
    return scaled + factors.y;
  }
  return scaled;
}
