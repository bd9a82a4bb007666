// rmsNorm of each head of q and k, v copied     x, y: (tokens, (heads + 2 kv_heads) head_dim)   weights: (head_dim)
// One workgroup per head of a token; its threads stride over the dimensions, then add up in shared memory.
struct Params { items: u32, heads: u32, kv_heads: u32, head_dim: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> q_weight: array<f32>;
@group(0) @binding(2) var<storage, read> k_weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let item = workgroupIndex(grid);
  if (item >= params.items) { return; }
  let start = item * params.head_dim;
  let slot = item % (params.heads + 2 * params.kv_heads);

  var sum = 0.0;
  for (var i = thread; i < params.head_dim; i += WORKGROUP) { sum += x[start + i] * x[start + i]; }
  let total = rowSum(thread, vec2f(sum, 0));

  let scale = inverseSqrt(total.x / f32(params.head_dim) + params.eps);
  for (var i = thread; i < params.head_dim; i += WORKGROUP) {
    var factor = 1.0; // Of v.
    if (slot < params.heads) { factor = scale * q_weight[i]; }
    else if (slot < params.heads + params.kv_heads) { factor = scale * k_weight[i]; }
    y[start + i] = x[start + i] * factor;
  }
}
