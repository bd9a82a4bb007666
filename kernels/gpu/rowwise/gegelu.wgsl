// y[i] = a sigmoid(1.702 a) (l + 1)     a = min(x[2 i], limit)   l = clamp(x[2 i + 1], -limit, limit)
// x: (rows, 2 width), gate and linear interleaved   y: (rows, width). One invocation per value of y.
struct Params { values: u32, limit: f32 }

@group(0) @binding(0) var<storage, read> x: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  if (index >= params.values) { return; }
  let gate = min(x[index].x, params.limit);
  let linear = clamp(x[index].y, -params.limit, params.limit);
  y[index] = gate / (1.0 + exp(-1.702 * gate)) * (linear + 1.0);
}
