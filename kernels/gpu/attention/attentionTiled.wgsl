// y[t, h] = softmax(q k^T scale) v for many tokens (prefill)
// Follows visible.wgsl, and tiledShared.wgsl or tiledSubgroups.wgsl, which find the largest scores. A workgroup of 8 TILE
// threads per (tile of TILE positions, head) goes over the units of keys that any of its tokens sees, with a running
// maximum per token. Tiles start at multiples of TILE, so the tokens of one are of one block and see the same units. Per unit: a
// thread computes the scores of one key with 8 tokens; then a thread mixes one quad of v for 4 tokens. Where a dispatch would
// take too long, it does some of the units and leaves its state for the next.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>; // (tokens, HEADS, QUADS)
@group(0) @binding(5) var<storage, read_write> states: array<vec4f>; // (workgroup, STATE, THREADS), if it is not yet the end
@group(0) @binding(6) var<uniform> params: Params;

override TILE: u32; // A power of two from 8, at most BLOCK.
override THREADS: u32 = 8 * TILE;
override FOURS: u32 = TILE / 4; // of tokens
const LAST = 0xffffffffu; // pastUnit of a dispatch that comes to the end
const STATE = 7u; // Of a thread: mix, total0, total1; of the first FOURS threads also largest.

var<workgroup> query: array<vec4f, TILE * QUADS>;
// By key, then four tokens at a time; then the weights, times the scale of the value; at the end sums of the weights.
var<workgroup> scores: array<vec4f, PAGE * FOURS>;
var<workgroup> largest: array<vec4f, FOURS>; // by token
var<workgroup> shrink: array<vec4f, FOURS>; // exp(largest before this unit - largest now)

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  local: Local,
) {
  let tileStart = (params.length / TILE + params.firstColumn + group.x) * TILE;
  let firstToken = max(tileStart, params.length) - params.length;
  let lastToken = min(tileStart + TILE - params.length, params.tokens) - 1;
  let head = params.firstLine + group.y;
  let kvHead = head * KV_HEADS / HEADS;
  let thread = numberOf(local);
  let first = firstSeen(params.length + firstToken, params.window);
  let last = lastSeen(params.length + lastToken);
  let visible = visibleUnits(first, last, head);

  // Past the last token it is computed again, and not written.
  for (var i = thread; i < TILE * QUADS; i += THREADS) {
    let token = min(firstToken + i / QUADS, lastToken);
    query[i] = q[(token * HEADS + head) * QUADS + i % QUADS] * params.scale;
  }
  if (thread < FOURS) { largest[thread] = vec4f(LOWEST); }
  let state = (group.y * groups.x + group.x) * STATE * THREADS + thread;

  let key = thread % PAGE;
  let eight = thread / PAGE; // scores tokens 8 eight .. 8 eight + 7 of the tile
  let mine = key * FOURS + 2 * eight;
  let quad = thread % QUADS;
  let four = thread / QUADS; // mixes tokens 4 four .. 4 four + 3 of the tile, where four < FOURS
  var mix: array<vec4f, 4>;
  var total0 = vec4f(); // Of the weights of this thread's keys, for its eight tokens.
  var total1 = vec4f();
  if (params.firstUnit > 0) {
    for (var i = 0u; i < 4; i++) { mix[i] = states[state + i * THREADS]; }
    total0 = states[state + 4 * THREADS];
    total1 = states[state + 5 * THREADS];
    if (thread < FOURS) { largest[thread] = states[state + 6 * THREADS]; }
  }
  for (var unit = params.firstUnit; unit < min(visible.units, params.pastUnit); unit++) {
    let start = unitStart(visible, unit);
    let page = pages[start / PAGE];
    let slot = start % PAGE; // of the unit's first key
    let low = max(first, start) - start;
    let high = min(last, start + UNIT - 1) - start;
    let inRange = key >= low && key <= high;
    workgroupBarrier();
    var s0 = vec4f(LOWEST);
    var s1 = vec4f(LOWEST);
    if (inRange) {
      s0 = scoresOf(page, kvHead, slot + key, start + key, 2 * eight, firstToken, lastToken);
      s1 = scoresOf(page, kvHead, slot + key, start + key, 2 * eight + 1, firstToken, lastToken);
    }
    findLargest(local, s0, s1);
    workgroupBarrier();
    let w0 = weightsOf(s0, largest[2 * eight]);
    let w1 = weightsOf(s1, largest[2 * eight + 1]);
    total0 = total0 * shrink[2 * eight] + w0;
    total1 = total1 * shrink[2 * eight + 1] + w1;
    if (inRange) {
      let scale = valueScale(page, kvHead, slot + key);
      scores[mine] = w0 * scale;
      scores[mine + 1] = w1 * scale;
    }
    workgroupBarrier();

    if (four < FOURS) {
      for (var i = 0u; i < 4; i++) { mix[i] *= shrink[four][i]; }
      for (var i = low; i <= high; i++) {
        let v = valueQuad(page, kvHead, slot + i, quad);
        let weights = scores[i * FOURS + four];
        mix[0] += weights.x * v;
        mix[1] += weights.y * v;
        mix[2] += weights.z * v;
        mix[3] += weights.w * v;
      }
    }
  }

  if (params.pastUnit != LAST) {
    for (var i = 0u; i < 4; i++) { states[state + i * THREADS] = mix[i]; }
    states[state + 4 * THREADS] = total0;
    states[state + 5 * THREADS] = total1;
    if (thread < FOURS) { states[state + 6 * THREADS] = largest[thread]; }
    return;
  }
  workgroupBarrier();
  scores[mine] = total0;
  scores[mine + 1] = total1;
  workgroupBarrier();
  if (four < FOURS) {
    var total = vec4f();
    for (var i = 0u; i < PAGE; i++) { total += scores[i * FOURS + four]; }
    for (var i = 0u; i < 4; i++) {
      let token = firstToken + 4 * four + i;
      if (token <= lastToken) { y[(token * HEADS + head) * QUADS + quad] = mix[i] / total[i]; }
    }
  }
}

/// Scores of the key at `position` with tokens 4 four .. 4 four + 3 of the tile; LOWEST where a token does not see it.
fn scoresOf(
  page: u32, kvHead: u32, slot: u32, position: u32, four: u32, firstToken: u32, lastToken: u32
) -> vec4f {
  var score = vec4f();
  for (var i = 0u; i < QUADS / 2; i++) {
    let k = keyQuads(page, kvHead, i, slot);
    let at = four * 4 * QUADS + 2 * i;
    score += vec4f(
      dot(k[0], query[at]), dot(k[0], query[at + QUADS]),
      dot(k[0], query[at + 2 * QUADS]), dot(k[0], query[at + 3 * QUADS]),
    ) + vec4f(
      dot(k[1], query[at + 1]), dot(k[1], query[at + QUADS + 1]),
      dot(k[1], query[at + 2 * QUADS + 1]), dot(k[1], query[at + 3 * QUADS + 1]),
    );
  }
  let token = min(vec4u(firstToken + 4 * four) + vec4u(0, 1, 2, 3), vec4u(lastToken));
  let asking = vec4u(params.length) + token;
  let seen = (vec4u(position) <= asking + vec4u(params.ahead)) & (vec4u(position + params.window) > asking);
  return select(vec4f(LOWEST), score * keyScale(page, kvHead, slot), seen);
}

fn weightsOf(score: vec4f, most: vec4f) -> vec4f {
  return select(exp(score - most), vec4f(), score == vec4f(LOWEST));
}
