// y[i, :] = x[ids[i], :]   x: (rows, cols)   y: (ids, cols). One invocation per value of y.
struct Params { values: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  if (index >= params.values) { return; }
  y[index] = x[ids[index / params.cols] * params.cols + index % params.cols];
}
