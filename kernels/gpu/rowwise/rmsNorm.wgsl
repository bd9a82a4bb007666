// y[r, :] = x[r, :] / sqrt(mean(x[r, :]^2) + eps) * weight     x, y: (rows, cols)   weight: (cols)
// One workgroup per row; its threads stride over the columns, then add up in shared memory.
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let row = workgroupIndex(grid);
  if (row >= params.rows) { return; }
  let start = row * params.cols;

  var sum = 0.0;
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    sum += x[start + c] * x[start + c];
  }
  let total = rowSum(thread, vec2f(sum, 0));

  let scale = inverseSqrt(total.x / f32(params.cols) + params.eps);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    y[start + c] = x[start + c] * scale * weight[c];
  }
}
