// y[r, o] = sum_i x[r, i] w[o, i] (+ bias[o]) (+ residual[r, o])     for few rows: decoding, where reading w is the whole cost
// Follows matvecSums.wgsl. A workgroup has SLOTS x LANES threads. A slot computes OUTS rows of w for X_ROWS rows of x: its
// lanes share the blocks, then add up in shared memory.
override LANES: u32 = 32; // A power of two from OUTS x X_ROWS.
override SLOTS: u32 = 2;

var<workgroup> partials: array<vec4f, SLOTS * LANES * X_ROWS>;

@compute @workgroup_size(SLOTS * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let slot = local.x / LANES;
  let firstRow = params.firstRow + group.y * X_ROWS;
  let out = params.startOut + (group.x * SLOTS + slot) * OUTS;
  let sums = sumsOf(firstRow, outsFrom(out), lane, LANES);

  let mine = local.x * X_ROWS;
  for (var r = 0u; r < X_ROWS; r++) {
    partials[mine + r] = sums[r];
  }
  workgroupBarrier();
  for (var width = LANES / 2; width > 0; width /= 2) {
    if (lane < width) {
      for (var r = 0u; r < X_ROWS; r++) {
        partials[mine + r] += partials[mine + width * X_ROWS + r];
      }
    }
    workgroupBarrier();
  }

  // Lane l writes output l % OUTS of row l / OUTS.
  let row = firstRow + lane / OUTS;
  let o = lane % OUTS;
  if (lane < OUTS * X_ROWS && row < params.rows && out + o < params.outs) {
    store(row, out + o, partials[slot * LANES * X_ROWS + lane / OUTS][o]);
  }
}
