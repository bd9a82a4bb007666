// y[r, i] = up * gate * sigmoid(gate)     gateUp: (rows, 2 width), gate first   y: (rows, width)
// One invocation per value of y.
struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<storage, read> gateUp: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  let row = index / params.width;
  if (row >= params.rows) { return; }
  let gate = gateUp[index + row * params.width];
  let up = gateUp[index + (row + 1) * params.width];
  y[index] = up * gate / (1.0 + exp(-gate));
}
