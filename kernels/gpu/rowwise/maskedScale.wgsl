// y[r, c] = x[r, c] * factor where mask[c] is not 0, else the lowest f32     x, y: (rows, cols)   mask: (cols)
// One invocation per value of y.
const LOWEST_F32 = -0x1.fffffep+127f;

struct Params { values: u32, cols: u32, factor: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> mask: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  if (index >= params.values) { return; }
  y[index] = select(LOWEST_F32, x[index] * params.factor, mask[index % params.cols] != 0);
}
