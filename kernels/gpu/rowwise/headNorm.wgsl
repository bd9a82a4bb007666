// rmsNorm of each head of q and k, v copied     x, y: (tokens, (heads + 2 kvHeads) headDim)   weights: (headDim)
// Follows rowSum.wgsl. One workgroup per head of a token; its threads stride over the dimensions, then add up in shared
// memory.
struct Params { items: u32, heads: u32, kvHeads: u32, headDim: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> qWeight: array<f32>;
@group(0) @binding(2) var<storage, read> kWeight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let item = workgroupIndex(grid);
  if (item >= params.items) { return; }
  let start = item * params.headDim;
  let slot = item % (params.heads + 2 * params.kvHeads);

  var sum = 0.0;
  for (var i = thread; i < params.headDim; i += WORKGROUP) { sum += x[start + i] * x[start + i]; }
  let total = rowSum(thread, vec2f(sum, 0));

  let scale = inverseSqrt(total.x / f32(params.headDim) + params.eps);
  for (var i = thread; i < params.headDim; i += WORKGROUP) {
    var factor = 1.0; // v's
    if (slot < params.heads) { factor = scale * qWeight[i]; }
    else if (slot < params.heads + params.kvHeads) { factor = scale * kWeight[i]; }
    y[start + i] = x[start + i] * factor;
  }
}
