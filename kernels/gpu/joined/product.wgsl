// y[r, o] = sum (+ bias[o]) (+ residual[r, o]) of matvec.wgsl. GATED: w and bias are a gate's rows and then as many of a
// product p, and y[r, o] = p gate sigmoid(gate). Follows weight.wgsl.
override GATED: bool;

// As in linear.wgsl, but firstGroup: of the columns of workgroups that this dispatch begins with; eps of x's norm.
struct Params {
  rows: u32, quads: u32, scaleWords: u32, outs: u32, firstOut: u32, allOuts: u32, hasBias: u32, hasResidual: u32,
  firstRow: u32, firstGroup: u32, eps: f32
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read> norm: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

/// The rows of w that a slot computes. Past the last one of w the last is computed again, and not stored.
fn outsOf(slot: u32) -> vec4u {
  if (GATED) {
    let gates = min(vec2u(2 * slot, 2 * slot + 1), vec2u(params.allOuts - 1));
    return vec4u(gates, gates + params.allOuts);
  }
  return outsFrom(slot * OUTS);
}

/// Stores the i-th output of a slot, if there is one.
fn storeOne(row: u32, slot: u32, i: u32, products: vec4f) {
  if (!GATED) {
    if (slot * OUTS + i >= params.outs) { return; }
    let out = params.firstOut + slot * OUTS + i;
    let at = row * params.allOuts + out;
    var sum = products[i];
    if (params.hasBias != 0) { sum += bias[out]; }
    if (params.hasResidual != 0) { sum += residual[at]; }
    y[at] = sum;
    return;
  }
  let out = 2 * slot + i;
  if (i >= 2 || out >= params.allOuts) { return; }
  var gate = products[i];
  var up = products[i + 2];
  if (params.hasBias != 0) {
    gate += bias[out];
    up += bias[params.allOuts + out];
  }
  y[row * params.allOuts + out] = up * gate / (1.0 + exp(-gate));
}
