// Follows linear.wgsl; put in front of matvec.wgsl and ../variants/matvecSubgroups.wgsl: what a thread adds up.
override X_ROWS: u32; // 1 .. 4

const OUTS = 4u;

/// The rows of w that begin with `out`; past the last one that again, which is not to be stored.
fn outsFrom(out: u32) -> vec4u {
  return min(vec4u(out, out + 1, out + 2, out + 3), vec4u(params.outs - 1));
}

/// The share of lane `lane` of `lanes` in the products of X_ROWS rows of x and OUTS of w, by row of x: every `lanes`th
/// block, so that consecutive lanes read consecutive 16 bytes. Past the last row of x the last one counts again.
fn sumsOf(firstRow: u32, outs: vec4u, lane: u32, lanes: u32) -> array<vec4f, 4> {
  let blocksPerRow = params.quads / BLOCK_QUADS;
  // Zeros written out: Dawn 0.6.2 keeps the values of the turn before in an array declared without them in a loop.
  var sums = array<vec4f, 4>();
  for (var block = lane; block < blocksPerRow; block += lanes) {
    let w0 = blocks[outs.x * blocksPerRow + block];
    let w1 = blocks[outs.y * blocksPerRow + block];
    let w2 = blocks[outs.z * blocksPerRow + block];
    let w3 = blocks[outs.w * blocksPerRow + block];
    let f0 = fifthBits(outs.x, block, params.scaleWords);
    let f1 = fifthBits(outs.y, block, params.scaleWords);
    let f2 = fifthBits(outs.z, block, params.scaleWords);
    let f3 = fifthBits(outs.w, block, params.scaleWords);
    var blockSums = array<vec4f, 4>();
    var xSums = array<f32, 4>(); // of the values of x that the block meets, by row
    for (var i = 0u; i < BLOCK_QUADS; i++) {
      let q0 = quadOf(w0, f0, i);
      let q1 = quadOf(w1, f1, i);
      let q2 = quadOf(w2, f2, i);
      let q3 = quadOf(w3, f3, i);
      for (var r = 0u; r < X_ROWS; r++) {
        let v = xQuad(r, min(firstRow + r, params.rows - 1), block * BLOCK_QUADS + i);
        blockSums[r] += vec4f(dot(q0, v), dot(q1, v), dot(q2, v), dot(q3, v));
        if (HAS_MINIMA) { xSums[r] += dot(v, vec4f(1)); }
      }
    }
    let n0 = factorsOf(w0, outs.x, block, params.scaleWords);
    let n1 = factorsOf(w1, outs.y, block, params.scaleWords);
    let n2 = factorsOf(w2, outs.z, block, params.scaleWords);
    let n3 = factorsOf(w3, outs.w, block, params.scaleWords);
    for (var r = 0u; r < X_ROWS; r++) {
      sums[r] += blockSums[r] * vec4f(n0.x, n1.x, n2.x, n3.x);
      if (HAS_MINIMA) { sums[r] += xSums[r] * vec4f(n0.y, n1.y, n2.y, n3.y); }
    }
  }
  return sums;
}

