// Attention of few tokens (decoding) over the keys of one split of the sequence:
//   y[t, h, split] = softmax(q k^T scale) v over the split's positions
//   stats[t, h, split] = (largest score, sum of exp(score - largest)), for attentionMerge.wgsl; only if splits > 1
// Follows pages.wgsl. A workgroup of PAGE threads per (head, split, token) goes over its pages with a running maximum:
// one thread per key for the scores, then PARTS threads per quad of v, each over its share of the keys.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>; // (tokens, HEADS, splits, QUADS)
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // (tokens, HEADS, splits)
@group(0) @binding(6) var<uniform> params: Params;

override PARTS: u32 = PAGE / QUADS;

var<workgroup> query: array<vec4f, QUADS>;
var<workgroup> scores: array<f32, PAGE>;
var<workgroup> weights: array<f32, PAGE>;
var<workgroup> mixes: array<vec4f, PAGE>;
var<workgroup> totals: array<f32, PAGE>;

@compute @workgroup_size(PAGE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let head = group.x;
  let split = group.y;
  let token = group.z;
  let kvHead = head * KV_HEADS / HEADS;
  let thread = local.x;
  let quad = thread % QUADS;
  let part = thread / QUADS;
  let last = params.length + token;
  let first = firstSeen(last, params.window);
  let firstPage = first / PAGE + split * params.pagesPerSplit;
  let endPage = min(firstPage + params.pagesPerSplit, last / PAGE + 1);

  if (thread < QUADS) {
    query[thread] = q[(token * HEADS + head) * QUADS + thread] * params.scale;
  }
  var largest = LOWEST;
  var mix = vec4f();
  var total = 0.0;
  for (var index = firstPage; index < endPage; index++) {
    let page = pages[index];
    let low = max(first, index * PAGE) - index * PAGE;
    let high = min(last, index * PAGE + PAGE - 1) - index * PAGE;
    workgroupBarrier();
    var score = LOWEST;
    let seen = thread >= low && thread <= high;
    if (seen) {
      score = 0.0;
      for (var i = 0u; i < QUADS; i++) {
        score += dot(query[i], keyQuad(page, kvHead, i, thread));
      }
    }
    scores[thread] = score;
    workgroupBarrier();

    var pageLargest = largest;
    for (var slot = low; slot <= high; slot++) {
      pageLargest = max(pageLargest, scores[slot]);
    }
    weights[thread] = select(0.0, exp(score - pageLargest), seen);
    workgroupBarrier();

    let shrink = exp(largest - pageLargest);
    mix *= shrink;
    total *= shrink;
    largest = pageLargest;
    if (part < PARTS) {
      for (var slot = low + part; slot <= high; slot += PARTS) {
        mix += weights[slot] * valueQuad(page, kvHead, slot, quad);
        total += weights[slot];
      }
    }
  }

  mixes[thread] = mix;
  totals[thread] = total;
  workgroupBarrier();
  if (thread < QUADS) {
    var wholeMix = vec4f();
    var wholeTotal = 0.0;
    for (var i = 0u; i < PARTS; i++) {
      wholeMix += mixes[i * QUADS + thread];
      wholeTotal += totals[i * QUADS + thread];
    }
    let at = (token * HEADS + head) * params.splits + split;
    y[at * QUADS + thread] = wholeMix / max(wholeTotal, 1e-30); // A split past this token's pages is empty.
    if (thread == 0 && params.splits > 1) {
      stats[at] = vec2f(largest, wholeTotal);
    }
  }
}
