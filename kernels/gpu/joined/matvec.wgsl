// As ../matmul/matvec.wgsl, for products that have a neighbour as a part of theirs. Follows product.wgsl or qkv.wgsl, which say
// which rows of w a slot has and what becomes of the sums, and matvecSums.wgsl. NORMED: w meets x / sqrt(mean(x^2) + eps) * norm,
// whose mean every slot finds beside its sums.
override NORMED: bool;

const LANES = 32u; // A power of two.
const SLOTS = 2u;

var<private> xSquares: array<f32, 4>; // What this thread has met of each row, if NORMED.
var<workgroup> partials: array<vec4f, SLOTS * LANES * X_ROWS>;
var<workgroup> squares: array<f32, SLOTS * LANES * X_ROWS>;

@compute @workgroup_size(SLOTS * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let slot = local.x / LANES;
  let firstRow = params.firstRow + group.y * X_ROWS;
  let number = (params.firstGroup + group.x) * SLOTS + slot; // of the slot
  let sums = sumsOf(firstRow, outsOf(number), lane, LANES);

  let mine = local.x * X_ROWS;
  for (var r = 0u; r < X_ROWS; r++) {
    partials[mine + r] = sums[r];
    if (NORMED) { squares[mine + r] = xSquares[r]; }
  }
  workgroupBarrier();
  for (var width = LANES / 2; width > 0; width /= 2) {
    if (lane < width) {
      for (var r = 0u; r < X_ROWS; r++) {
        partials[mine + r] += partials[mine + width * X_ROWS + r];
        if (NORMED) { squares[mine + r] += squares[mine + width * X_ROWS + r]; }
      }
    }
    workgroupBarrier();
  }

  // Lane l writes output l % OUTS of row l / OUTS.
  let row = firstRow + lane / OUTS;
  if (lane < OUTS * X_ROWS && row < params.rows) {
    let at = slot * LANES * X_ROWS + lane / OUTS;
    var products = partials[at];
    if (NORMED) { products *= inverseSqrt(squares[at] / f32(4 * params.quads) + params.eps); }
    storeOne(row, number, lane % OUTS, products);
  }
}

/// A quad of x, which matvecSums.wgsl counts as its r-th row.
fn xQuad(r: u32, row: u32, quad: u32) -> vec4f {
  let v = x[row * params.quads + quad];
  if (!NORMED) { return v; }
  xSquares[r] += dot(v, v);
  return v * norm[quad];
}
