// As matvec.wgsl, summed up within subgroups: no shared memory, no barrier.
// Follows matvecSums.wgsl, behind `enable subgroups;`. A workgroup computes SLOTS x OUTS rows of w. Each of its subgroups,
// of whatever size the GPU has them (4 to 128), takes every so manieth slot.
override THREADS: u32;
override SLOTS: u32;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) lanes: u32,
) {
  let firstRow = params.firstRow + group.y * X_ROWS;
  for (var slot = subgroup; slot < SLOTS; slot += subgroups) {
    let out = params.startOut + (group.x * SLOTS + slot) * OUTS;
    var sums = sumsOf(firstRow, outsFrom(out), lane, lanes);
    for (var r = 0u; r < X_ROWS; r++) {
      sums[r] = subgroupAdd(sums[r]);
    }
    for (var i = lane; i < OUTS * X_ROWS; i += lanes) {
      let row = firstRow + i / OUTS;
      let o = i % OUTS;
      if (row < params.rows && out + o < params.outs) { store(row, out + o, sums[i / OUTS][o]); }
    }
  }
}
