// y[r, :] = x[r, :] / sqrt(mean(x[r, :]^2) + eps) * weight     x, y: (rows, cols)   weight: (cols)
// One workgroup per row; its threads stride over the columns, then add up in shared memory.
override WORKGROUP: u32; // A power of two.

struct Params { rows: u32, cols: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> sums: array<f32, WORKGROUP>;

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
    sum += x[start + c] * x[start + c];
  }
  sums[thread] = sum;
  workgroupBarrier();
  for (var width = WORKGROUP / 2; width > 0; width /= 2) {
    if (thread < width) { sums[thread] += sums[thread + width]; }
    workgroupBarrier();
  }

  let scale = inverseSqrt(sums[0] / f32(params.cols) + params.eps);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    y[start + c] = x[start + c] * scale * weight[c];
  }
}
