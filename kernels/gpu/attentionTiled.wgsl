// y[t, h] = softmax(q k^T scale) v for many tokens (prefill)
// Follows pages.wgsl. A workgroup of 128 threads per (tile of 16 tokens, head) goes over the pages that any of its
// tokens sees, with a running maximum per token. Per page: a thread computes the scores of one key with 8 tokens; 8
// threads find the largest of one token; then a thread mixes one quad of v for 4 tokens.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>; // (tokens, HEADS, QUADS)
@group(0) @binding(5) var<uniform> params: Params;

const TILE = 16u;
const THREADS = 128u;

var<workgroup> query: array<vec4f, TILE * QUADS>;
var<workgroup> scores: array<vec4f, PAGE * 4>; // by key, then four tokens at a time; later the weights
var<workgroup> partLargest: array<f32, THREADS>;
var<workgroup> largest: array<vec4f, 4>; // by token
var<workgroup> shrink: array<vec4f, 4>; // exp(largest before this page - largest now)

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let firstToken = group.x * TILE;
  let lastToken = min(firstToken + TILE, params.tokens) - 1;
  let head = group.y;
  let kvHead = head * KV_HEADS / HEADS;
  let thread = local.x;
  let first = firstSeen(params.length + firstToken, params.window);
  let last = params.length + lastToken;

  // Past the last token it is computed again, and not written.
  for (var i = thread; i < TILE * QUADS; i += THREADS) {
    let token = min(firstToken + i / QUADS, lastToken);
    query[i] = q[(token * HEADS + head) * QUADS + i % QUADS] * params.scale;
  }
  if (thread < 4) { largest[thread] = vec4f(LOWEST); }

  let quad = thread % QUADS;
  let four = thread / QUADS; // mixes tokens 4 four .. 4 four + 3 of the tile, where four < 4
  var mix: array<vec4f, 4>;
  var total = vec4f();
  for (var index = first / PAGE; index <= last / PAGE; index++) {
    let page = pages[index];
    let low = max(first, index * PAGE) - index * PAGE;
    let high = min(last, index * PAGE + PAGE - 1) - index * PAGE;
    workgroupBarrier();
    let key = thread % PAGE;
    let eight = thread / PAGE;
    let s0 = scoresOf(page, kvHead, key, index, 2 * eight, firstToken, lastToken, key >= low && key <= high);
    let s1 = scoresOf(page, kvHead, key, index, 2 * eight + 1, firstToken, lastToken, key >= low && key <= high);
    scores[key * 4 + 2 * eight] = s0;
    scores[key * 4 + 2 * eight + 1] = s1;
    workgroupBarrier();

    let token = thread / 8;
    var most = LOWEST;
    for (var i = thread % 8; i < PAGE; i += 8) {
      most = max(most, scores[i * 4 + token / 4][token % 4]);
    }
    partLargest[thread] = most;
    workgroupBarrier();
    if (thread < 4) {
      var now = largest[thread];
      for (var i = 0u; i < 8; i++) {
        let at = thread * 32 + i;
        now = max(now, vec4f(partLargest[at], partLargest[at + 8], partLargest[at + 16], partLargest[at + 24]));
      }
      shrink[thread] = exp(largest[thread] - now);
      largest[thread] = now;
    }
    workgroupBarrier();
    scores[key * 4 + 2 * eight] = weightsOf(s0, largest[2 * eight]);
    scores[key * 4 + 2 * eight + 1] = weightsOf(s1, largest[2 * eight + 1]);
    workgroupBarrier();

    if (four < 4) {
      for (var i = 0u; i < 4; i++) { mix[i] *= shrink[four][i]; }
      total *= shrink[four];
      for (var slot = low; slot <= high; slot++) {
        let v = valueQuad(page, kvHead, slot, quad);
        let weights = scores[slot * 4 + four];
        mix[0] += weights.x * v;
        mix[1] += weights.y * v;
        mix[2] += weights.z * v;
        mix[3] += weights.w * v;
        total += weights;
      }
    }
  }

  if (four < 4) {
    for (var i = 0u; i < 4; i++) {
      let token = firstToken + 4 * four + i;
      if (token <= lastToken) { y[(token * HEADS + head) * QUADS + quad] = mix[i] / total[i]; }
    }
  }
}

/// Scores of one key with tokens 4 four .. 4 four + 3 of the tile; LOWEST where the token does not see the key.
fn scoresOf(
  page: u32, kvHead: u32, key: u32, index: u32, four: u32, firstToken: u32, lastToken: u32, inRange: bool
) -> vec4f {
  if (!inRange) { return vec4f(LOWEST); }
  var score = vec4f();
  for (var i = 0u; i < QUADS; i++) {
    let k = keyQuad(page, kvHead, i, key);
    let at = four * 4 * QUADS + i;
    score += vec4f(
      dot(k, query[at]), dot(k, query[at + QUADS]), dot(k, query[at + 2 * QUADS]), dot(k, query[at + 3 * QUADS]),
    );
  }
  let token = min(vec4u(firstToken + 4 * four) + vec4u(0, 1, 2, 3), vec4u(lastToken));
  let position = vec4u(params.length) + token;
  let seen = vec4u(index * PAGE + key);
  return select(vec4f(LOWEST), score, (seen <= position) & (seen + vec4u(params.window) > position));
}

fn weightsOf(score: vec4f, most: vec4f) -> vec4f {
  return select(exp(score - most), vec4f(), score == vec4f(LOWEST));
}
