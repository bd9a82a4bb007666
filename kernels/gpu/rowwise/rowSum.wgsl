// Follows grid.wgsl; put in front of kernels whose workgroup sums up a row.
var<workgroup> partialSums: array<vec2f, WORKGROUP>;

/// Sums `value` over all threads of the workgroup: two sums at once.
fn rowSum(thread: u32, value: vec2f) -> vec2f {
  workgroupBarrier(); // The result of the call before may still be being read.
  partialSums[thread] = value;
  workgroupBarrier();
  for (var width = WORKGROUP / 2; width > 0; width /= 2) {
    if (thread < width) { partialSums[thread] += partialSums[thread + width]; }
    workgroupBarrier();
  }
  return partialSums[0];
}

