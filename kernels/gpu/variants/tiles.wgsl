// y[r, o] = sum_i x[r, i] w[o, i] (+ bias[o]) (+ residual[r, o])     for many rows, in tiles of a size and an arithmetic of choice
// Follows linear.wgsl and one of tilesF32.wgsl, tilesF16.wgsl, tilesI8.wgsl, which say what a Quad (four values) and the
// Sum of a group's products are. A group is the values that share a scale of w. Those of x get one of their own, so that
// nothing overflows: x = scale * value. Sums of groups are added up in f32.
// A workgroup of 256 threads, COLUMNS wide, computes a tile; each thread ROWS rows by 4 outputs.
override ROWS: u32; // 1 .. 8
override COLUMNS: u32;
override LINES: u32 = THREADS / COLUMNS;
override TILE_ROWS: u32 = LINES * ROWS;
override TILE_OUTS: u32 = COLUMNS * 4;
/// Quads of a group; groups in DEPTH quads.
override GROUP: u32 = select(8u, 4u, FORMAT == 7);
override GROUPS: u32 = DEPTH / GROUP;

const THREADS = 256u;
const DEPTH = 8u; // Quads of `in` that are in shared memory at a time.
const STRIDE = DEPTH + 1; // One more than needed, so that neighbouring rows fall into different memory banks.
const SMALLEST_SCALE = 0x1p-120; // Groups of x below it count as zeros, since its inverse has to be finite.

var<workgroup> xTile: array<Quad, TILE_ROWS * STRIDE>;
var<workgroup> wTile: array<Quad, TILE_OUTS * STRIDE>;
var<workgroup> xFactors: array<vec2f, TILE_ROWS * GROUPS>; // scale, sum of the values times scale
var<workgroup> wFactors: array<vec2f, TILE_OUTS * GROUPS>; // scale, minimum

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let firstOut = params.startOut + group.x * TILE_OUTS;
  let firstRow = params.firstRow + group.y * TILE_ROWS;
  let column = local.x % COLUMNS;
  let line = local.x / COLUMNS;

  var sums: array<vec4f, 8>; // sums[r][j]: row line + LINES r, output column + COLUMNS j of the tile
  for (var quad = 0u; quad < params.quads; quad += DEPTH) {
    for (var i = local.x; i < (TILE_ROWS + TILE_OUTS) * GROUPS; i += THREADS) {
      let at = i / GROUPS;
      if (at < TILE_ROWS) {
        loadX(firstRow, at, quad, i % GROUPS);
      } else {
        loadW(firstOut, at - TILE_ROWS, quad, i % GROUPS);
      }
    }
    workgroupBarrier();
    for (var g = 0u; g < GROUPS; g++) {
      // Zeros written out: Dawn 0.6.2 keeps the values of the turn before in an array declared without them in a loop.
      var products = array<vec4<Sum>, 8>();
      for (var i = g * GROUP; i < (g + 1) * GROUP; i++) {
        let w0 = wTile[column * STRIDE + i];
        let w1 = wTile[(column + COLUMNS) * STRIDE + i];
        let w2 = wTile[(column + COLUMNS * 2) * STRIDE + i];
        let w3 = wTile[(column + COLUMNS * 3) * STRIDE + i];
        for (var r = 0u; r < ROWS; r++) {
          let v = xTile[(line + LINES * r) * STRIDE + i];
          products[r] += vec4<Sum>(product(v, w0), product(v, w1), product(v, w2), product(v, w3));
        }
      }
      let f0 = wFactors[column * GROUPS + g];
      let f1 = wFactors[(column + COLUMNS) * GROUPS + g];
      let f2 = wFactors[(column + COLUMNS * 2) * GROUPS + g];
      let f3 = wFactors[(column + COLUMNS * 3) * GROUPS + g];
      for (var r = 0u; r < ROWS; r++) {
        let factors = xFactors[(line + LINES * r) * GROUPS + g];
        sums[r] += vec4f(products[r]) * (vec4f(f0.x, f1.x, f2.x, f3.x) * factors.x);
        if (HAS_MINIMA) { sums[r] += vec4f(f0.y, f1.y, f2.y, f3.y) * factors.y; }
      }
    }
    workgroupBarrier();
  }

  for (var r = 0u; r < ROWS; r++) {
    for (var j = 0u; j < 4; j++) {
      let row = firstRow + line + LINES * r;
      let out = firstOut + column + COLUMNS * j;
      if (row < params.rows && out < params.outs) { store(row, out, sums[r][j]); }
    }
  }
}

/// Zeros past the last row and the last quad.
fn loadX(firstRow: u32, row: u32, quad: u32, g: u32) {
  var values = array<vec4f, 8>();
  var largest = vec4f();
  for (var i = 0u; i < GROUP; i++) {
    let at = quad + g * GROUP + i;
    if (firstRow + row < params.rows && at < params.quads) {
      values[i] = x[(firstRow + row) * params.quads + at];
      largest = max(largest, abs(values[i]));
    }
  }
  let scale = scaleFor(largestOf(largest));
  let inverse = inverseOf(scale);
  var sum = 0.0;
  for (var i = 0u; i < GROUP; i++) {
    let packed = packX(values[i] * inverse);
    xTile[row * STRIDE + g * GROUP + i] = packed;
    sum += f32(product(packed, ONES));
  }
  xFactors[row * GROUPS + g] = vec2f(scale, sum * scale);
}

/// Likewise.
fn loadW(firstOut: u32, row: u32, quad: u32, g: u32) {
  let out = firstOut + row;
  let first = row * STRIDE + g * GROUP;
  let blocksPerRow = params.quads / BLOCK_QUADS;
  var factors = vec2f();
  if (SCALES_W) {
    factors = vec2f(scaleFor(largestW(out, quad)), 0);
  }
  let inverse = inverseOf(factors.x);
  for (var i = 0u; i < GROUP; i += BLOCK_QUADS) {
    let at = (quad + g * GROUP + i) / BLOCK_QUADS;
    if (out < params.outs && at < blocksPerRow) {
      let block = blocks[out * blocksPerRow + at];
      let fifths = fifthBits(out, at, params.scaleWords);
      if (!SCALES_W) { factors = factorsOf(block, out, at, params.scaleWords); }
      for (var j = 0u; j < BLOCK_QUADS; j++) {
        wTile[first + i + j] = packW(block, fifths, j, inverse);
      }
    } else {
      for (var j = 0u; j < BLOCK_QUADS; j++) {
        wTile[first + i + j] = Quad();
      }
    }
  }
  wFactors[row * GROUPS + g] = factors;
}

/// The largest magnitude of the 8 quads of w from `quad` on, of a format without scales.
fn largestW(out: u32, quad: u32) -> f32 {
  let blocksPerRow = params.quads / BLOCK_QUADS;
  var largest = vec4f();
  for (var i = quad; out < params.outs && i < min(quad + 8, params.quads); i++) {
    largest = max(largest, abs(quadOf(blocks[out * blocksPerRow + i / BLOCK_QUADS], 0, i % BLOCK_QUADS)));
  }
  return largestOf(largest);
}

fn largestOf(v: vec4f) -> f32 {
  return max(max(v.x, v.y), max(v.z, v.w));
}

fn inverseOf(scale: f32) -> f32 {
  return select(0.0, 1 / scale, scale > SMALLEST_SCALE);
}
