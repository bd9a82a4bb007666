// y[r] = (id of the largest of x[r, :], the lowest on ties; its log-probability)     x: (rows, cols)   y: (rows, 2)
// log p = max - log(sum(exp(x))) = -log(sum(exp(x - max))). One workgroup per row; each thread keeps the largest value
// it met, its id, and the sum relative to it; then pairs are merged in shared memory.
struct Params { rows: u32, cols: u32 }
struct Best { value: f32, id: u32, sum: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> found: array<Best, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let row = workgroupIndex(grid);
  if (row >= params.rows) { return; }

  var best = Best(-3.4028234e38, 0xffffffff, 0.0);
  for (var c = thread; c < params.cols; c += WORKGROUP) {
    best = merge(best, Best(x[row * params.cols + c], c, 1.0));
  }
  found[thread] = best;
  workgroupBarrier();
  for (var width = WORKGROUP / 2; width > 0; width /= 2) {
    if (thread < width) { found[thread] = merge(found[thread], found[thread + width]); }
    workgroupBarrier();
  }
  if (thread == 0) {
    y[2 * row] = f32(found[0].id);
    y[2 * row + 1] = -log(found[0].sum);
  }
}

fn merge(a: Best, b: Best) -> Best {
  let value = max(a.value, b.value);
  let first = a.value > b.value || (a.value == b.value && a.id < b.id);
  return Best(value, select(b.id, a.id, first), a.sum * exp(a.value - value) + b.sum * exp(b.value - value));
}
