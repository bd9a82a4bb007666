// The keys and values of one layer, as the attention kernels read them. Put in front of those kernels.
//   keys: (page, KV_HEADS, QUADS, PAGE) quads: threads with neighbouring positions read neighbouring memory
//   values: (page, KV_HEADS, PAGE, QUADS) quads: threads with neighbouring quads do
// A quad is 4 consecutive values of a head, f16 (two words) or f32 (four words).
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // A multiple of 8, at most 128.
override KV_F16: bool;
override QUADS: u32 = HEAD_DIM / 4;

const PAGE = 64u;
const LOWEST = -1e30; // A score below all others; WGSL has no infinity.

// A token at position p sees position s iff s <= p and p - s < window.
struct Params { tokens: u32, length: u32, window: u32, splits: u32, pagesPerSplit: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> keys: array<vec2u>;
@group(0) @binding(1) var<storage, read> values: array<vec2u>;
@group(0) @binding(2) var<storage, read> pages: array<u32>;
@group(0) @binding(3) var<storage, read> q: array<vec4f>; // (tokens, HEADS, QUADS)

fn keyQuad(page: u32, kvHead: u32, quad: u32, slot: u32) -> vec4f {
  let at = ((page * KV_HEADS + kvHead) * QUADS + quad) * PAGE + slot;
  if (KV_F16) {
    return vec4f(unpack2x16float(keys[at].x), unpack2x16float(keys[at].y));
  }
  return vec4f(bitcast<vec2f>(keys[2 * at]), bitcast<vec2f>(keys[2 * at + 1]));
}

fn valueQuad(page: u32, kvHead: u32, slot: u32, quad: u32) -> vec4f {
  let at = ((page * KV_HEADS + kvHead) * PAGE + slot) * QUADS + quad;
  if (KV_F16) {
    return vec4f(unpack2x16float(values[at].x), unpack2x16float(values[at].y));
  }
  return vec4f(bitcast<vec2f>(values[2 * at]), bitcast<vec2f>(values[2 * at + 1]));
}

/// The first position that a token at `position` sees.
fn firstSeen(position: u32, window: u32) -> u32 {
  return position + 1 - min(window, position + 1);
}
