// y[r, :] = (x[r, :] - mean) / sqrt(variance + eps) * weight + bias     x, y: (rows, cols)   weight, bias: (cols)
// One workgroup per row; its threads stride over the columns, then add up in shared memory. The first sum is near the
// mean, up to its rounding; distances from it, and their squares, keep their digits where x lies far from zero.
override WORKGROUP: u32; // A power of two.

struct Params { rows: u32, cols: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> sums: array<vec2f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u
) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let start = row * params.cols;
  let thread = local.x;

  var sum = 0.0;
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    sum += x[start + c];
  }
  let near = total(thread, vec2f(sum, 0)).x / f32(params.cols);
  var moments = vec2f();
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    let distance = x[start + c] - near;
    moments += vec2f(distance, distance * distance);
  }
  moments = total(thread, moments) / f32(params.cols);
  let scale = inverseSqrt(moments.y - moments.x * moments.x + params.eps);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    y[start + c] = (x[start + c] - near - moments.x) * scale * weight[c] + bias[c];
  }
}

/// The sum of every thread's `value`.
fn total(thread: u32, value: vec2f) -> vec2f {
  workgroupBarrier(); // The sum before is still being read.
  sums[thread] = value;
  workgroupBarrier();
  for (var width = WORKGROUP / 2; width > 0; width /= 2) {
    if (thread < width) { sums[thread] += sums[thread + width]; }
    workgroupBarrier();
  }
  return sums[0];
}
