// y[r, :] = x[r, :], then zeros     x: (rows, cols)   y: (rows, padded)
// One invocation per value of y. Only for widths that are not whole blocks of the weight they meet.
override WORKGROUP: u32;

struct Params { rows: u32, cols: u32, padded: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + local.x;
  let row = index / params.padded;
  let column = index % params.padded;
  if (row >= params.rows) { return; }
  y[index] = 0.0;
  if (column < params.cols) { y[index] = x[row * params.cols + column]; }
}
