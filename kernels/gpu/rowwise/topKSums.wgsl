// y[r] = (k ids; k values; log(sum(exp(x[r, :] - largest))), log(sum(exp((x[r, :] - largest) factor))))
// x: (rows, cols)   sorted: (rows, k) pairs value, id, the largest first   y: (rows, 2 k + 2)
// One workgroup per row; each thread keeps both sums over its columns, then they are joined in shared memory.
override WORKGROUP: u32; // A power of two.

struct Params { rows: u32, cols: u32, k: u32, factor: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> sorted: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> sums: array<vec2f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u
) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let thread = local.x;
  let k = params.k;
  let largest = sorted[row * k].x;

  var sum = vec2f(0);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    let lower = x[row * params.cols + c] - largest;
    sum += exp(vec2f(lower, lower * params.factor));
  }
  sums[thread] = sum;
  workgroupBarrier();
  for (var width = WORKGROUP / 2; width > 0; width /= 2) {
    if (thread < width) { sums[thread] += sums[thread + width]; }
    workgroupBarrier();
  }

  let start = row * (2 * k + 2);
  for (var i = thread; i < k; i += WORKGROUP) {
    y[start + i] = sorted[row * k + i].y;
    y[start + k + i] = sorted[row * k + i].x;
  }
  if (thread == 0) {
    y[start + 2 * k] = log(sums[0].x);
    y[start + 2 * k + 1] = log(sums[0].y);
  }
}
