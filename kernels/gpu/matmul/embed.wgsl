// y[t, :] = table[ids[t], :] * scale     y: (tokens, cols)
// Follows weight.wgsl. One invocation per quad of y. The table may lie in several parts by rows: ids outside
// firstRow .. firstRow + rows - 1 are left to the dispatches of the other parts.
struct Params { tokens: u32, cols: u32, quads: u32, firstRow: u32, rows: u32, scaleWords: u32, scale: f32 }

@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  let token = index / params.quads;
  let quad = index % params.quads;
  if (token >= params.tokens) { return; }
  let row = ids[token] - params.firstRow; // Wraps round below firstRow, so one comparison is enough.
  if (row >= params.rows) { return; }

  let blocksPerRow = (params.quads + BLOCK_QUADS - 1) / BLOCK_QUADS;
  let values = weightQuad(row, quad, blocksPerRow, params.scaleWords) * params.scale;
  for (var i = 0u; i < 4 && 4 * quad + i < params.cols; i++) {
    y[token * params.cols + 4 * quad + i] = values[i];
  }
}
