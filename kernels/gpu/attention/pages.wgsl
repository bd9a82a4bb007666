// The keys and values of one layer, as the attention kernels read them. Put in front of those kernels.
//   keys: (page, KV_HEADS, QUADS, PAGE) quads: threads with neighbouring positions read neighbouring memory
//   values: (page, KV_HEADS, PAGE, QUADS) quads: threads with neighbouring quads do
// A quad is 4 consecutive values of a head. KV_FORMAT 0, f32: four words    1, f16: two words    2, q8: a signed byte a
// value; two quads of a key lie side by side, (page, KV_HEADS, QUADS / 2, PAGE, 2), and behind the quads of a page's
// head stand PAGE f32 scales, one a position.
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // A multiple of 8, at most 128.
override KV_FORMAT: u32;
override TOKEN_WORDS: u32; // Of a head's key, or value, at one position.
override QUADS: u32 = HEAD_DIM / 4;

const PAGE = 64u;

@group(0) @binding(0) var<storage, read> keys: array<vec2u>;
@group(0) @binding(1) var<storage, read> values: array<vec2u>;
@group(0) @binding(2) var<storage, read> pages: array<u32>;

/// Quads 2 pair and 2 pair + 1 of a key, without its scale.
fn keyQuads(page: u32, kvHead: u32, pair: u32, slot: u32) -> mat2x4f {
  let start = headStart(page, kvHead);
  let first = 2 * pair * PAGE + slot;
  let second = first + PAGE;
  if (KV_FORMAT == 0) {
    return mat2x4f(
      vec4f(bitcast<vec2f>(keys[start + 2 * first]), bitcast<vec2f>(keys[start + 2 * first + 1])),
      vec4f(bitcast<vec2f>(keys[start + 2 * second]), bitcast<vec2f>(keys[start + 2 * second + 1])),
    );
  } else if (KV_FORMAT == 1) {
    let a = keys[start + first];
    let b = keys[start + second];
    return mat2x4f(
      vec4f(unpack2x16float(a.x), unpack2x16float(a.y)),
      vec4f(unpack2x16float(b.x), unpack2x16float(b.y)),
    );
  } else {
    let both = keys[start + pair * PAGE + slot];
    return mat2x4f(vec4f(unpack4xI8(both.x)), vec4f(unpack4xI8(both.y)));
  }
}

/// A quad of a value, without its scale.
fn valueQuad(page: u32, kvHead: u32, slot: u32, quad: u32) -> vec4f {
  let start = headStart(page, kvHead);
  let at = slot * QUADS + quad;
  if (KV_FORMAT == 0) {
    return vec4f(bitcast<vec2f>(values[start + 2 * at]), bitcast<vec2f>(values[start + 2 * at + 1]));
  } else if (KV_FORMAT == 1) {
    return vec4f(unpack2x16float(values[start + at].x), unpack2x16float(values[start + at].y));
  } else {
    return vec4f(unpack4xI8(values[start + at / 2][at % 2]));
  }
}

fn keyScale(page: u32, kvHead: u32, slot: u32) -> f32 {
  if (KV_FORMAT < 2) { return 1.0; }
  return bitcast<f32>(keys[scaleStart(page, kvHead) + slot / 2][slot % 2]);
}

fn valueScale(page: u32, kvHead: u32, slot: u32) -> f32 {
  if (KV_FORMAT < 2) { return 1.0; }
  return bitcast<f32>(values[scaleStart(page, kvHead) + slot / 2][slot % 2]);
}

fn headStart(page: u32, kvHead: u32) -> u32 {
  return (page * KV_HEADS + kvHead) * TOKEN_WORDS * PAGE / 2;
}

fn scaleStart(page: u32, kvHead: u32) -> u32 {
  return headStart(page, kvHead) + QUADS * PAGE / 2;
}
