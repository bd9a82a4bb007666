// y[r, o] = sum_i x[r, i] w[o, i] (+ bias[o]) (+ residual[r, o])     for many rows, by the GPU's matrix units
// Follows linear.wgsl and the lines that matrices.ts writes: what a Factor is (f16 or f32), the sizes M x K and K x N that a
// subgroup of SUBGROUP threads multiplies at once, and that a workgroup's subgroups are ACROSS along the outputs and DOWN
// along the rows. Sums are in f32. w is dequantised; as f16 it is W_SCALE times as large, and x has a scale for each row,
// a power of two, so that nothing overflows and hardly anything is lost.
const TILE = 64u;
const STEP = 64u / FACTOR_BYTES; // Values of `in` that are in shared memory at a time.
const STRIDE = STEP + 16 / FACTOR_BYTES; // Rows begin on 16 bytes, as loads of matrices want, and in different memory banks.
const THREADS = 128u; // Whole subgroups of any size.
const LINES = TILE / DOWN / M; // Results of a subgroup.
const COLUMNS = TILE / ACROSS / N;
const IS_F16 = FACTOR_BYTES == 2;
const W_SCALE = select(1.0, 16.0, IS_F16);
const LARGEST = select(3.4e38, 65504.0, IS_F16);
const SCANNING = 8u; // Threads that look for the largest value of a row.
/// Quads of w that a thread dequantises at a time.
override UNIT: u32 = min(BLOCK_QUADS, 4);

alias Left = subgroup_matrix_left<Factor, K, M>;
alias Right = subgroup_matrix_right<Factor, N, K>;
alias Result = subgroup_matrix_result<f32, N, M>;

var<workgroup> xTile: array<Factor, TILE * STRIDE>;
var<workgroup> wTile: array<Factor, TILE * STRIDE>;
var<workgroup> xScales: array<f32, TILE>;
/// First the largest values that threads have found, in the end a result of each subgroup.
var<workgroup> scratch: array<f32, max(TILE * SCANNING, THREADS / SUBGROUP * M * N)>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let firstOut = params.startOut + group.x * TILE;
  let firstRow = params.firstRow + group.y * TILE;
  let line = subgroup / ACROSS * LINES * M;
  let column = subgroup % ACROSS * COLUMNS * N;
  if (IS_F16) { findScales(firstRow, thread); }

  var sums: array<array<Result, COLUMNS>, LINES>;
  for (var quad = 0u; quad < params.quads; quad += STEP / 4) {
    for (var i = thread; i < TILE * STEP / 4; i += THREADS) {
      loadX(firstRow, i / (STEP / 4), quad, i % (STEP / 4));
    }
    for (var i = thread; i < TILE * STEP / 4 / UNIT; i += THREADS) {
      loadW(firstOut, i / (STEP / 4 / UNIT), quad, i % (STEP / 4 / UNIT) * UNIT);
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k += K) {
      var right: array<Right, COLUMNS>;
      for (var j = 0u; j < COLUMNS; j++) {
        right[j] = subgroupMatrixLoad<Right, col_major>(&wTile, (column + j * N) * STRIDE + k, STRIDE);
      }
      for (var i = 0u; i < LINES; i++) {
        let left = subgroupMatrixLoad<Left, row_major>(&xTile, (line + i * M) * STRIDE + k, STRIDE);
        for (var j = 0u; j < COLUMNS; j++) {
          sums[i][j] = subgroupMatrixMultiplyAccumulate(left, right[j], sums[i][j]);
        }
      }
    }
    workgroupBarrier();
  }

  let mine = subgroup * M * N;
  for (var i = 0u; i < LINES; i++) {
    for (var j = 0u; j < COLUMNS; j++) {
      subgroupMatrixStore<row_major>(&scratch, mine, sums[i][j], N);
      workgroupBarrier();
      for (var at = lane; at < M * N; at += SUBGROUP) {
        let row = line + i * M + at / N;
        let out = firstOut + column + j * N + at % N;
        if (firstRow + row < params.rows && out < params.outs) {
          var product = scratch[mine + at];
          if (IS_F16) { product /= xScales[row] * W_SCALE; }
          store(firstRow + row, out, product);
        }
      }
      workgroupBarrier();
    }
  }
}

/// Powers of two that bring the largest magnitude of each row to between 2^14 and 2^15.
fn findScales(firstRow: u32, thread: u32) {
  let lane = thread % SCANNING;
  for (var row = thread / SCANNING; row < TILE; row += THREADS / SCANNING) {
    var largest = vec4f();
    if (firstRow + row < params.rows) {
      for (var quad = lane; quad < params.quads; quad += SCANNING) {
        largest = max(largest, abs(x[(firstRow + row) * params.quads + quad]));
      }
    }
    scratch[row * SCANNING + lane] = max(max(largest.x, largest.y), max(largest.z, largest.w));
  }
  workgroupBarrier();
  if (thread < TILE) {
    var largest = 0x1p-100; // Keeps the scale of a row of zeros finite, and its inverse above zero.
    for (var i = 0u; i < SCANNING; i++) {
      largest = max(largest, scratch[thread * SCANNING + i]);
    }
    // Of bits, since no function is promised to give exact powers of two. 127 is the exponent of 1.
    xScales[thread] = bitcast<f32>((14 + 127 + 127 - (bitcast<u32>(largest) >> 23)) << 23);
  }
  workgroupBarrier();
}

/// Zeros past the last row and the last quad.
fn loadX(firstRow: u32, row: u32, quad: u32, i: u32) {
  var value = vec4f();
  if (firstRow + row < params.rows && quad + i < params.quads) {
    value = x[(firstRow + row) * params.quads + quad + i];
    if (IS_F16) { value *= xScales[row]; }
  }
  for (var j = 0u; j < 4; j++) {
    xTile[row * STRIDE + 4 * i + j] = Factor(value[j]);
  }
}

/// Likewise, from quad `i` of the step on.
fn loadW(firstOut: u32, row: u32, quad: u32, i: u32) {
  let out = firstOut + row;
  let blocksPerRow = params.quads / BLOCK_QUADS;
  let at = (quad + i) / BLOCK_QUADS;
  let exists = out < params.outs && at < blocksPerRow;
  var block = vec4u();
  var fifths = 0u;
  var factors = vec2f();
  if (exists) {
    block = blocks[out * blocksPerRow + at];
    fifths = fifthBits(out, at, params.scaleWords);
    factors = factorsOf(block, out, at, params.scaleWords) * W_SCALE;
  }
  for (var q = 0u; q < UNIT; q++) {
    var value = quadOf(block, fifths, (quad + i) % BLOCK_QUADS + q) * factors.x;
    if (HAS_MINIMA) { value += factors.y; }
    if (IS_F16) { value = clamp(value, vec4f(-LARGEST), vec4f(LARGEST)); }
    for (var j = 0u; j < 4; j++) {
      wTile[row * STRIDE + 4 * (i + q) + j] = Factor(value[j]);
    }
  }
}
