// Attention of few tokens (decoding) over one split, an equal share of the units of keys that a head sees:
//   y[t, h, split] = softmax(q k^T scale) v over the split's positions
//   stats[t, h, split] = (largest score, sum of exp(score - largest)), for attentionMerge.wgsl; only if splits > 1
// Follows visible.wgsl, and splitShared.wgsl or splitSubgroups.wgsl, which find the largest score. A workgroup per (head, split,
// token) has WAYS times PAGE threads. Each way goes over its units with a running maximum: one thread per key for the scores,
// then PARTS threads per quad of v, each over its share of the keys. At the end the ways are put together.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>; // (tokens, HEADS, splits, QUADS)
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // (tokens, HEADS, splits)
@group(0) @binding(6) var<uniform> params: Params;

override WAYS: u32;
override THREADS: u32 = WAYS * PAGE;
override PARTS: u32 = PAGE / QUADS;

var<workgroup> query: array<vec4f, QUADS>;
var<workgroup> weights: array<f32, THREADS>; // Times the scale of the value they meet.
var<workgroup> mixes: array<vec4f, THREADS>;
var<workgroup> totals: array<f32, THREADS>;
var<workgroup> largests: array<f32, WAYS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, local: Local) {
  let number = numberOf(local); // of this thread
  let head = params.firstColumn + group.x;
  let line = params.firstLine + group.y;
  let split = line % params.splits;
  let token = line / params.splits;
  let kvHead = head * KV_HEADS / HEADS;
  let thread = number % PAGE; // of its way
  let way = number / PAGE;
  let mine = way * PAGE; // Where this way's values begin.
  let quad = thread % QUADS;
  let part = thread / QUADS;
  let position = params.length + token;
  let last = lastSeen(position);
  let first = firstSeen(position, params.window);
  let visible = visibleUnits(first, last, head);
  let end = visible.units * (split + 1) / params.splits;

  if (number < QUADS) {
    query[thread] = q[(token * HEADS + head) * QUADS + thread] * params.scale;
  }
  var largest = LOWEST;
  var mix = vec4f();
  var total = 0.0; // Of this thread's keys.
  for (var next = visible.units * split / params.splits; next < end; next += WAYS) {
    let unit = min(next + way, end - 1);
    let start = unitStart(visible, unit);
    let page = pages[start / PAGE];
    let slot = start % PAGE; // of the unit's first key
    let low = max(first, start) - start;
    let past = select(min(last + 1, start + UNIT) - start, 0, next + way >= end); // The other ways may have one unit more.
    workgroupBarrier();
    var score = LOWEST;
    let seen = thread >= low && thread < past;
    if (seen) {
      score = 0.0;
      for (var i = 0u; i < QUADS / 2; i++) {
        let k = keyQuads(page, kvHead, i, slot + thread);
        score += dot(query[2 * i], k[0]) + dot(query[2 * i + 1], k[1]);
      }
      score *= keyScale(page, kvHead, slot + thread);
    }
    let nowLargest = max(largest, largestOf(local, score, low, past));
    let shrink = exp(largest - nowLargest);
    largest = nowLargest;
    mix *= shrink;
    total *= shrink;
    if (seen) {
      let weight = exp(score - largest);
      total += weight;
      weights[number] = weight * valueScale(page, kvHead, slot + thread);
    }
    workgroupBarrier();

    if (part < PARTS) {
      for (var key = low + part; key < past; key += PARTS) {
        mix += weights[mine + key] * valueQuad(page, kvHead, slot + key, quad);
      }
    }
  }

  mixes[number] = mix;
  totals[number] = total;
  if (thread == 0) { largests[way] = largest; }
  workgroupBarrier();
  if (thread < QUADS) {
    mix = vec4f();
    for (var i = 0u; i < PARTS; i++) { mix += mixes[mine + i * QUADS + thread]; }
    total = 0;
    for (var i = 0u; i < PAGE; i++) { total += totals[mine + i]; }
  }
  for (var i = 0u; i < WAYS; i++) { largest = max(largest, largests[i]); }
  let shrink = exp(largests[way] - largest);
  workgroupBarrier();
  mixes[number] = mix * shrink;
  totals[number] = total * shrink;
  workgroupBarrier();
  if (number < QUADS) {
    for (var i = 1u; i < WAYS; i++) { mixes[thread] += mixes[i * PAGE + thread]; }
    for (var i = 1u; i < WAYS; i++) { totals[thread] += totals[i * PAGE + thread]; }
    let at = (token * HEADS + head) * params.splits + split;
    y[at * QUADS + thread] = mixes[thread] / max(totals[thread], 1e-30); // A split without units is empty.
    if (thread == 0 && params.splits > 1) {
      stats[at] = vec2f(largest, totals[0]);
    }
  }
}
