// Rotates q and k, stores k and v in their pages.
//   y_i = x_i cos_i - x_{i+h} sin_i     y_{i+h} = x_{i+h} cos_i + x_i sin_i     h = HEAD_DIM / 2
// qkv: (tokens, (HEADS + 2 KV_HEADS) HEAD_DIM)   rope: (tokens, HEAD_DIM), cosines then sines   q: (tokens, HEADS HEAD_DIM)
// A line of LANES threads per token and head, a thread per pair of quads (i, i + h). Heads are numbered here as q, k, v;
// BY_GROUP says that qkv holds each kv head's queries, then its key, then its value. The layout of the pages is that of
// pages.wgsl; a line finds the scale of q8, largest magnitude / 127, together.
override BY_GROUP: bool;
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // A multiple of 8, at most 8 LANES.
override KV_FORMAT: u32;
override TOKEN_WORDS: u32;
override QUADS: u32 = HEAD_DIM / 4;

const PAGE = 64u;
const LANES = 16u;

struct Params { tokens: u32, length: u32 }

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> rope: array<vec4f>;
@group(0) @binding(2) var<storage, read> pages: array<u32>;
@group(0) @binding(3) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> keys: array<u32>;
@group(0) @binding(5) var<storage, read_write> values: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> largest: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let row = (workgroupIndex(grid) * WORKGROUP + thread) / LANES;
  let head = row % (HEADS + 2 * KV_HEADS);
  let token = row / (HEADS + 2 * KV_HEADS);
  let isUsed = token < params.tokens && lane < QUADS / 2;

  var first = vec4f();
  var second = vec4f();
  if (isUsed) {
    let place = (token * (HEADS + 2 * KV_HEADS) + placeOf(head)) * QUADS + lane;
    first = qkv[place];
    second = qkv[place + QUADS / 2];
    if (head < HEADS + KV_HEADS) {
      let x = first;
      let cosines = rope[token * QUADS + lane];
      let sines = rope[token * QUADS + QUADS / 2 + lane];
      first = x * cosines - second * sines;
      second = second * cosines + x * sines;
    }
  }

  var scale = 0.0;
  if (KV_FORMAT == 2) {
    let most = max(abs(first), abs(second));
    largest[thread] = max(max(most.x, most.y), max(most.z, most.w));
    workgroupBarrier();
    for (var i = 0u; i < LANES; i++) { scale = max(scale, largest[thread - lane + i]); }
    scale /= 127.0;
  }
  if (!isUsed) { return; }

  if (head < HEADS) {
    let at = (token * HEADS + head) * QUADS + lane;
    q[at] = first;
    q[at + QUADS / 2] = second;
    return;
  }
  let isKey = head < HEADS + KV_HEADS;
  let kvHead = (head - HEADS) % KV_HEADS;
  let position = params.length + token;
  let start = (pages[position / PAGE] * KV_HEADS + kvHead) * TOKEN_WORDS * PAGE;
  let slot = position % PAGE;
  store(isKey, start, lane, slot, first, scale);
  store(isKey, start, lane + QUADS / 2, slot, second, scale);
  if (KV_FORMAT == 2 && lane == 0) { put(isKey, start + QUADS * PAGE + slot, bitcast<u32>(scale)); }
}

/// The place of this head in qkv.
fn placeOf(head: u32) -> u32 {
  if (!BY_GROUP) { return head; }
  let queries = HEADS / KV_HEADS;
  if (head < HEADS) { return head / queries * (queries + 2) + head % queries; }
  let kvHead = (head - HEADS) % KV_HEADS;
  return kvHead * (queries + 2) + queries + (head - HEADS) / KV_HEADS;
}

fn store(isKey: bool, start: u32, quad: u32, slot: u32, x: vec4f, scale: f32) {
  let side = select(1u, 2u, KV_FORMAT == 2); // quads of a key that lie side by side
  let keyAt = (quad / side * PAGE + slot) * side + quad % side;
  let at = select(slot * QUADS + quad, keyAt, isKey);
  if (KV_FORMAT == 0) {
    for (var i = 0u; i < 4; i++) { put(isKey, start + 4 * at + i, bitcast<u32>(x[i])); }
  } else if (KV_FORMAT == 1) {
    put(isKey, start + 2 * at, pack2x16float(x.xy));
    put(isKey, start + 2 * at + 1, pack2x16float(x.zw));
  } else {
    // A head that is all zeros, or too small for its scale to be a normal number, is stored as zeros.
    put(isKey, start + at, select(0, pack4xI8Clamp(vec4i(round(x / scale))), scale > 1e-37));
  }
}

fn put(isKey: bool, at: u32, word: u32) {
  if (isKey) { keys[at] = word; } else { values[at] = word; }
}
