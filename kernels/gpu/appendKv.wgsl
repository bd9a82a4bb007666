// Rotates q and k, stores k and v in their pages.
//   y_i = x_i cos_i - x_{i+h} sin_i     y_{i+h} = x_{i+h} cos_i + x_i sin_i     h = HEAD_DIM / 2
// qkv: (tokens, (HEADS + 2 KV_HEADS) HEAD_DIM)   rope: (tokens, HEAD_DIM), cosines then sines   q: (tokens, HEADS HEAD_DIM)
// One invocation per token, head, and pair of quads (i, i + h). The layout of the pages is that of pages.wgsl.
override WORKGROUP: u32;
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32; // A multiple of 8.
override KV_F16: bool;

const PAGE = 64u;

struct Params { tokens: u32, length: u32 }

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> rope: array<vec4f>;
@group(0) @binding(2) var<storage, read> pages: array<u32>;
@group(0) @binding(3) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> keys: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> values: array<vec2u>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u
) {
  let quads = HEAD_DIM / 4;
  let halfQuads = HEAD_DIM / 8;
  let index = (group.y * groups.x + group.x) * WORKGROUP + local.x;
  let quad = index % halfQuads;
  let row = index / halfQuads;
  let head = row % (HEADS + 2 * KV_HEADS);
  let token = row / (HEADS + 2 * KV_HEADS);
  if (token >= params.tokens) { return; }

  let first = qkv[row * quads + quad];
  let second = qkv[row * quads + quad + halfQuads];
  let cosines = rope[token * quads + quad];
  let sines = rope[token * quads + quad + halfQuads];
  let rotatedFirst = first * cosines - second * sines;
  let rotatedSecond = second * cosines + first * sines;

  let position = params.length + token;
  let page = pages[position / PAGE];
  let slot = position % PAGE;
  if (head < HEADS) {
    let at = (token * HEADS + head) * quads + quad;
    q[at] = rotatedFirst;
    q[at + halfQuads] = rotatedSecond;
  } else if (head < HEADS + KV_HEADS) {
    let at = (page * KV_HEADS + head - HEADS) * quads * PAGE + slot;
    storeKey(at + quad * PAGE, rotatedFirst);
    storeKey(at + (quad + halfQuads) * PAGE, rotatedSecond);
  } else {
    let at = ((page * KV_HEADS + head - HEADS - KV_HEADS) * PAGE + slot) * quads;
    storeValue(at + quad, first);
    storeValue(at + quad + halfQuads, second);
  }
}

fn storeKey(at: u32, x: vec4f) {
  if (KV_F16) {
    keys[at] = vec2u(pack2x16float(x.xy), pack2x16float(x.zw));
  } else {
    keys[2 * at] = bitcast<vec2u>(x.xy);
    keys[2 * at + 1] = bitcast<vec2u>(x.zw);
  }
}

fn storeValue(at: u32, x: vec4f) {
  if (KV_F16) {
    values[at] = vec2u(pack2x16float(x.xy), pack2x16float(x.zw));
  } else {
    values[2 * at] = bitcast<vec2u>(x.xy);
    values[2 * at + 1] = bitcast<vec2u>(x.zw);
  }
}
