// y[r, :] = (x[r, :] - mean) / sqrt(variance + eps) * weight + bias     x, y: (rows, cols)   weight, bias: (cols)
// One workgroup per row; its threads stride over the columns, then add up in shared memory. The first sum is near the
// mean, up to its rounding; distances from it, and their squares, keep their digits where x lies far from zero.
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let row = workgroupIndex(grid);
  if (row >= params.rows) { return; }
  let start = row * params.cols;

  var sum = 0.0;
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    sum += x[start + c];
  }
  let near = rowSum(thread, vec2f(sum, 0)).x / f32(params.cols);
  var moments = vec2f();
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    let distance = x[start + c] - near;
    moments += vec2f(distance, distance * distance);
  }
  moments = rowSum(thread, moments) / f32(params.cols);
  let scale = inverseSqrt(moments.y - moments.x * moments.x + params.eps);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    y[start + c] = (x[start + c] - near - moments.x) * scale * weight[c] + bias[c];
  }
}
