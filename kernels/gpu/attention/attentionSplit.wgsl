// Attention of few tokens (decoding) over one split, an equal share of the units of keys that a head sees:
//   y[t, h, split] = softmax(q k^T scale) v over the split's positions
//   stats[t, h, split] = (largest score, sum of exp(score - largest)), for attentionMerge.wgsl; only if splits > 1
// Follows visible.wgsl. A workgroup of PAGE threads per (head, split, token) goes over its units with a running maximum:
// one thread per key for the scores, then PARTS threads per quad of v, each over its share of the keys.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>; // (tokens, HEADS, splits, QUADS)
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // (tokens, HEADS, splits)
@group(0) @binding(6) var<uniform> params: Params;

override PARTS: u32 = PAGE / QUADS;

var<workgroup> query: array<vec4f, QUADS>;
var<workgroup> scores: array<f32, PAGE>;
var<workgroup> weights: array<f32, PAGE>; // Times the scale of the value they meet.
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
  let position = params.length + token;
  let last = lastSeen(position);
  let first = firstSeen(position, params.window);
  let visible = visibleUnits(first, last, head);
  let end = visible.units * (split + 1) / params.splits;

  if (thread < QUADS) {
    query[thread] = q[(token * HEADS + head) * QUADS + thread] * params.scale;
  }
  var largest = LOWEST;
  var mix = vec4f();
  var total = 0.0; // Of this thread's keys.
  for (var unit = visible.units * split / params.splits; unit < end; unit++) {
    let start = unitStart(visible, unit);
    let page = pages[start / PAGE];
    let slot = start % PAGE; // of the unit's first key
    let low = max(first, start) - start;
    let high = min(last, start + UNIT - 1) - start;
    workgroupBarrier();
    var score = LOWEST;
    let seen = thread >= low && thread <= high;
    if (seen) {
      score = 0.0;
      for (var i = 0u; i < QUADS / 2; i++) {
        let k = keyQuads(page, kvHead, i, slot + thread);
        score += dot(query[2 * i], k[0]) + dot(query[2 * i + 1], k[1]);
      }
      score *= keyScale(page, kvHead, slot + thread);
    }
    scores[thread] = score;
    workgroupBarrier();

    var nowLargest = largest;
    for (var key = low; key <= high; key++) {
      nowLargest = max(nowLargest, scores[key]);
    }
    let shrink = exp(largest - nowLargest);
    largest = nowLargest;
    mix *= shrink;
    total *= shrink;
    if (seen) {
      let weight = exp(score - largest);
      total += weight;
      weights[thread] = weight * valueScale(page, kvHead, slot + thread);
    }
    workgroupBarrier();

    if (part < PARTS) {
      for (var key = low + part; key <= high; key += PARTS) {
        mix += weights[key] * valueQuad(page, kvHead, slot + key, quad);
      }
    }
  }

  mixes[thread] = mix;
  totals[thread] = total;
  workgroupBarrier();
  if (thread < QUADS) {
    var wholeMix = vec4f();
    for (var i = 0u; i < PARTS; i++) { wholeMix += mixes[i * QUADS + thread]; }
    var wholeTotal = 0.0;
    for (var i = 0u; i < PAGE; i++) { wholeTotal += totals[i]; }
    let at = (token * HEADS + head) * params.splits + split;
    y[at * QUADS + thread] = wholeMix / max(wholeTotal, 1e-30); // A split without units is empty.
    if (thread == 0 && params.splits > 1) {
      stats[at] = vec2f(largest, wholeTotal);
    }
  }
}
