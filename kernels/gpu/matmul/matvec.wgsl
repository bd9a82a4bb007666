// y[r, o] = sum_i x[r, i] w[o, i] (+ bias[o]) (+ residual[r, o])     for few rows: decoding, where reading w is the whole cost
// Follows linear.wgsl. A workgroup has SLOTS x LANES threads. A slot computes OUTS rows of w for X_ROWS rows of x: its
// lanes stride over the blocks, consecutive lanes reading consecutive 16 bytes, then add up in shared memory.
override X_ROWS: u32; // 1 .. 4

const LANES = 32u; // A power of two.
const SLOTS = 2u;
const OUTS = 4u;

var<workgroup> partials: array<vec4f, SLOTS * LANES * X_ROWS>;

@compute @workgroup_size(SLOTS * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x % LANES;
  let slot = local.x / LANES;
  let firstRow = group.y * X_ROWS;
  let out = (group.x * SLOTS + slot) * OUTS;
  // Past the last row of w or x the last one is computed again, and not written.
  let outs = min(vec4u(out, out + 1, out + 2, out + 3), vec4u(params.outs - 1));
  let blocksPerRow = params.quads / BLOCK_QUADS;

  var sums: array<vec4f, 4>; // by row of x: its OUTS outputs
  for (var block = lane; block < blocksPerRow; block += LANES) {
    let w0 = blocks[outs.x * blocksPerRow + block];
    let w1 = blocks[outs.y * blocksPerRow + block];
    let w2 = blocks[outs.z * blocksPerRow + block];
    let w3 = blocks[outs.w * blocksPerRow + block];
    let f0 = fifthBits(outs.x, block, params.scaleWords);
    let f1 = fifthBits(outs.y, block, params.scaleWords);
    let f2 = fifthBits(outs.z, block, params.scaleWords);
    let f3 = fifthBits(outs.w, block, params.scaleWords);
    // Zeros written out: Dawn 0.6.2 keeps the values of the turn before in an array declared without them in a loop.
    var blockSums = array<vec4f, 4>();
    var xSums = array<f32, 4>(); // of the values of x that the block meets, by row
    for (var i = 0u; i < BLOCK_QUADS; i++) {
      let q0 = quadOf(w0, f0, i);
      let q1 = quadOf(w1, f1, i);
      let q2 = quadOf(w2, f2, i);
      let q3 = quadOf(w3, f3, i);
      for (var r = 0u; r < X_ROWS; r++) {
        let v = x[min(firstRow + r, params.rows - 1) * params.quads + block * BLOCK_QUADS + i];
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

  let mine = local.x * X_ROWS;
  for (var r = 0u; r < X_ROWS; r++) {
    partials[mine + r] = sums[r];
  }
  workgroupBarrier();
  for (var width = LANES / 2; width > 0; width /= 2) {
    if (lane < width) {
      for (var r = 0u; r < X_ROWS; r++) {
        partials[mine + r] += partials[mine + width * X_ROWS + r];
      }
    }
    workgroupBarrier();
  }

  // Lane l writes output l % OUTS of row l / OUTS.
  let row = firstRow + lane / OUTS;
  let o = lane % OUTS;
  if (lane < OUTS * X_ROWS && row < params.rows && out + o < params.outs) {
    store(row, out + o, partials[slot * LANES * X_ROWS + lane / OUTS][o]);
  }
}
