// y[r] = (k ids; k values; log(sum(exp(x[r, :] - largest))), log(sum(exp((x[r, :] - largest) factor))))
// x: (rows, cols)   sorted: (rows, k) pairs value, id, the largest first   y: (rows, 2 k + 2)
// One workgroup per row; each thread keeps both sums over its columns, then they are joined in shared memory.
struct Params { rows: u32, cols: u32, k: u32, factor: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> sorted: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let row = workgroupIndex(grid);
  if (row >= params.rows) { return; }
  let k = params.k;
  let largest = sorted[row * k].x;

  var sum = vec2f(0);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    let lower = x[row * params.cols + c] - largest;
    sum += exp(vec2f(lower, lower * params.factor));
  }
  let total = rowSum(thread, sum);

  let start = row * (2 * k + 2);
  for (var i = thread; i < k; i += WORKGROUP) {
    y[start + i] = sorted[row * k + i].y;
    y[start + k + i] = sorted[row * k + i].x;
  }
  if (thread == 0) {
    y[start + 2 * k] = log(total.x);
    y[start + 2 * k + 1] = log(total.y);
  }
}
