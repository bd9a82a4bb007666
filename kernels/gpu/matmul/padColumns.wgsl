// y[r, :] = x[r, :], then zeros     x: (rows, cols)   y: (rows, padded)
// One invocation per value of y. Only for widths that are not whole blocks of the weight they meet.
struct Params { rows: u32, cols: u32, padded: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  let row = index / params.padded;
  let column = index % params.padded;
  if (row >= params.rows) { return; }
  y[index] = 0.0;
  if (column < params.cols) { y[index] = x[row * params.cols + column]; }
}
