// q, k and v of one token: what ../attention/appendKv.wgsl does with the sums of matvec.wgsl, of which a slot has those that are rotated
// together. w: ((HEADS + 2 KV_HEADS) HEAD_DIM, in), all q, all k, all v heads   rope: (HEAD_DIM), cosines then sines
// y: (HEADS HEAD_DIM), the rotated q   keys, values: as pages.wgsl has them, f32 or f16
// Follows weight.wgsl. With a binding more than these, it would not run on every device.
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // A multiple of 8.
override KV_FORMAT: u32; // 0 or 1.
override TOKEN_WORDS: u32;
override QUADS: u32 = HEAD_DIM / 4;

const PAGE = 64u;

// As in product.wgsl; page and slot of the token's key and value.
struct Params {
  rows: u32, quads: u32, scaleWords: u32, outs: u32, page: u32, slot: u32, firstRow: u32, firstGroup: u32, eps: f32
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> norm: array<vec4f>;
@group(0) @binding(4) var<storage, read> rope: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> values: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

/// Dimensions d, d + 1 of a head, and those half a head further.
fn outsOf(slot: u32) -> vec4u {
  let out = slot / QUADS * HEAD_DIM + slot % QUADS * 2;
  return min(vec4u(out, out + 1, out + HEAD_DIM / 2, out + HEAD_DIM / 2 + 1), vec4u(params.outs - 1));
}

/// Stores all outputs of a slot at once.
fn storeOne(row: u32, slot: u32, i: u32, products: vec4f) {
  let head = slot / QUADS;
  if (i > 0 || head >= HEADS + 2 * KV_HEADS) { return; }
  let half = HEAD_DIM / 2;
  let d = slot % QUADS * 2;
  var first = products.xy;
  var second = products.zw;
  if (head < HEADS + KV_HEADS) {
    let cosines = vec2f(rope[d], rope[d + 1]);
    let sines = vec2f(rope[half + d], rope[half + d + 1]);
    first = products.xy * cosines - products.zw * sines;
    second = products.zw * cosines + products.xy * sines;
  }
  if (head < HEADS) {
    let at = head * HEAD_DIM + d;
    y[at] = first.x;
    y[at + 1] = first.y;
    y[at + half] = second.x;
    y[at + half + 1] = second.y;
    return;
  }
  put(head - HEADS, d, first);
  put(head - HEADS, d + half, second);
}

/// Dimensions d and d + 1 of a key, or of a value behind them.
fn put(kvHead: u32, d: u32, x: vec2f) {
  let isKey = kvHead < KV_HEADS;
  let start = (params.page * KV_HEADS + kvHead % KV_HEADS) * TOKEN_WORDS * PAGE;
  let quad = d / 4;
  let at = select(params.slot * QUADS + quad, quad * PAGE + params.slot, isKey);
  if (KV_FORMAT == 0) {
    putWord(isKey, start + 4 * at + d % 4, bitcast<u32>(x.x));
    putWord(isKey, start + 4 * at + d % 4 + 1, bitcast<u32>(x.y));
  } else {
    putWord(isKey, start + 2 * at + d % 4 / 2, pack2x16float(x));
  }
}

fn putWord(isKey: bool, at: u32, word: u32) {
  if (isKey) { keys[at] = word; } else { values[at] = word; }
}

