// y[i] = x sigmoid(1.702 x), or x (1 + erf(x / sqrt(2))) / 2 where EXACT   x = x[i]. One invocation per value.
override EXACT: u32;
struct Params { values: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  if (index >= params.values) { return; }
  let value = x[index];
  if (EXACT == 0) {
    y[index] = value / (1.0 + exp(-1.702 * value));
    return;
  }
  // 1 - erf(|z|), halved, with an absolute error of 1e-7 (Abramowitz and Stegun 7.1.26).
  let z = abs(value) * 0.70710678;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  let tail = 0.5 * sum * exp(-z * z);
  y[index] = value * select(1.0 - tail, tail, value < 0.0);
}
