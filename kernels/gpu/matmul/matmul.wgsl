// y[r, o] = sum_i x[r, i] w[o, i] (+ bias[o]) (+ residual[r, o])     for many rows: prefill
// Follows linear.wgsl. A workgroup of 16 x 16 threads computes a tile of 64 rows by 64 outputs, DEPTH quads of `in` at a
// time: both tiles are brought to shared memory, w dequantised once, and each thread adds up 4 x 4 outputs.
override DEPTH: u32;
override STRIDE: u32 = DEPTH + 1; // One more than needed, so that neighbouring rows fall into different memory banks.
const TILE = 64u;
const THREADS = 256u;

var<workgroup> xTile: array<vec4f, TILE * STRIDE>;
var<workgroup> wTile: array<vec4f, TILE * STRIDE>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let firstOut = params.startOut + group.x * TILE;
  let firstRow = params.firstRow + group.y * TILE;
  let column = local.x % 16;
  let line = local.x / 16;

  var sums: array<vec4f, 4>; // sums[i][j]: row line + 16 i, output column + 16 j of the tile
  for (var quad = 0u; quad < params.quads; quad += DEPTH) {
    for (var i = local.x; i < TILE * DEPTH; i += THREADS) {
      loadX(firstRow, i / DEPTH, quad, i % DEPTH);
      loadW(firstOut, i / DEPTH, quad, i % DEPTH);
    }
    workgroupBarrier();
    for (var i = 0u; i < DEPTH; i++) {
      let w0 = wTile[column * STRIDE + i];
      let w1 = wTile[(column + 16) * STRIDE + i];
      let w2 = wTile[(column + 32) * STRIDE + i];
      let w3 = wTile[(column + 48) * STRIDE + i];
      let x0 = xTile[line * STRIDE + i];
      let x1 = xTile[(line + 16) * STRIDE + i];
      let x2 = xTile[(line + 32) * STRIDE + i];
      let x3 = xTile[(line + 48) * STRIDE + i];
      sums[0] += vec4f(dot(x0, w0), dot(x0, w1), dot(x0, w2), dot(x0, w3));
      sums[1] += vec4f(dot(x1, w0), dot(x1, w1), dot(x1, w2), dot(x1, w3));
      sums[2] += vec4f(dot(x2, w0), dot(x2, w1), dot(x2, w2), dot(x2, w3));
      sums[3] += vec4f(dot(x3, w0), dot(x3, w1), dot(x3, w2), dot(x3, w3));
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < 4; i++) {
    for (var j = 0u; j < 4; j++) {
      let row = firstRow + line + 16 * i;
      let out = firstOut + column + 16 * j;
      if (row < params.rows && out < params.outs) { store(row, out, sums[i][j]); }
    }
  }
}

/// Zeros past the last row and the last quad.
fn loadX(firstRow: u32, row: u32, quad: u32, i: u32) {
  var value = vec4f();
  if (firstRow + row < params.rows && quad + i < params.quads) {
    value = x[(firstRow + row) * params.quads + quad + i];
  }
  xTile[row * STRIDE + i] = value;
}

fn loadW(firstOut: u32, row: u32, quad: u32, i: u32) {
  var value = vec4f();
  let out = firstOut + row;
  if (out < params.outs && quad + i < params.quads) {
    value = weightQuad(out, quad + i, params.quads / BLOCK_QUADS, params.scaleWords);
  }
  wTile[row * STRIDE + i] = value;
}
