// Follows weight.wgsl; put in front of matvec.wgsl and matmul.wgsl: what both are given, and how they store an output.
// quads: of a padded row of x. outs: rows of w in this part, written at column firstOut of y's allOuts.
// firstRow, startOut: where the tiles of this dispatch begin: in x, and among the outs.
struct Params {
  rows: u32, quads: u32, scaleWords: u32, outs: u32, firstOut: u32, allOuts: u32, hasBias: u32, hasResidual: u32,
  firstRow: u32, startOut: u32
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

/// A quad of x, which matvecSums.wgsl counts as its r-th row.
fn xQuad(r: u32, row: u32, quad: u32) -> vec4f {
  return x[row * params.quads + quad];
}

/// Adds the epilogue to the product of `row` of x and `out` of this part, and stores it. Neither may lie past the last.
fn store(row: u32, out: u32, product: f32) {
  let at = row * params.allOuts + params.firstOut + out;
  var sum = product;
  if (params.hasBias != 0) { sum += bias[params.firstOut + out]; }
  if (params.hasResidual != 0) { sum += residual[at]; }
  y[at] = sum;
}

