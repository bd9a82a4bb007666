// y[r, i] = up * gate * sigmoid(gate)     gateUp: (rows, 2 width), gate first   y: (rows, width)
// One invocation per value of y.
override WORKGROUP: u32;

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<storage, read> gateUp: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + local.x;
  let row = index / params.width;
  if (row >= params.rows) { return; }
  let gate = gateUp[index + row * params.width];
  let up = gateUp[index + (row + 1) * params.width];
  y[index] = up * gate / (1.0 + exp(-gate));
}
