// y[t, h] = sum_s total_s exp(largest_s - largest) mix[t, h, s] / sum_s total_s exp(largest_s - largest)
// Puts together the splits that attentionSplit.wgsl left. mix: (rows, splits, quads) quads   stats: (rows, splits)
// y: (rows, quads) quads, rows = tokens x heads. One invocation per quad of y.
struct Params { rows: u32, splits: u32, quads: u32 }

@group(0) @binding(0) var<storage, read> mix: array<vec4f>;
@group(0) @binding(1) var<storage, read> stats: array<vec2f>; // largest score, sum of exp(score - largest)
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  let row = index / params.quads;
  let quad = index % params.quads;
  if (row >= params.rows) { return; }

  var largest = stats[row * params.splits].x;
  for (var s = 1u; s < params.splits; s++) {
    largest = max(largest, stats[row * params.splits + s].x);
  }
  var sum = vec4f();
  var total = 0.0;
  for (var s = 0u; s < params.splits; s++) {
    let at = row * params.splits + s;
    let weight = stats[at].y * exp(stats[at].x - largest);
    sum += weight * mix[at * params.quads + quad];
    total += weight;
  }
  y[index] = sum / total;
}
