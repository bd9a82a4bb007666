// y[r, c] = the k largest entries of x[r, chunk c], in falling order, the lower id first on ties
// x: (rows, count) values, whose ids are 0.. (FIRST), or (rows, count) pairs value, id   y: (rows, chunks, k) pairs
// One workgroup per chunk sorts it in shared memory by a bitonic network; what the last chunk lacks counts as least.
override CHUNK: u32; // A power of two.
override FIRST: bool;

struct Params { rows: u32, count: u32, chunks: u32, k: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2f>;
@group(0) @binding(2) var<uniform> params: Params;

const NOTHING = 16777216.0; // In place of an id; those are lower, so that an f32 holds them.

var<workgroup> found: array<vec2f, CHUNK>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let item = workgroupIndex(grid);
  if (item >= params.rows * params.chunks) { return; }
  let row = item / params.chunks;
  let start = (item % params.chunks) * CHUNK;
  for (var i = thread; i < CHUNK; i += WORKGROUP) { found[i] = entry(row, start + i); }
  workgroupBarrier();

  for (var run = 2u; run <= CHUNK; run *= 2) {
    for (var reach = run / 2; reach > 0; reach /= 2) {
      for (var i = thread; i < CHUNK / 2; i += WORKGROUP) {
        let a = 2 * i - (i & (reach - 1));
        let b = a + reach;
        if (comesBefore(found[b], found[a]) == ((a & run) == 0)) {
          let swapped = found[a];
          found[a] = found[b];
          found[b] = swapped;
        }
      }
      workgroupBarrier();
    }
  }
  for (var i = thread; i < params.k; i += WORKGROUP) { y[item * params.k + i] = found[i]; }
}

fn entry(row: u32, i: u32) -> vec2f {
  if (i >= params.count) { return vec2f(0, NOTHING); }
  let at = row * params.count + i;
  if (FIRST) { return vec2f(x[at], f32(i)); }
  return vec2f(x[2 * at], x[2 * at + 1]);
}

fn comesBefore(a: vec2f, b: vec2f) -> bool {
  if (a.y == NOTHING || b.y == NOTHING) { return a.y != NOTHING; }
  return a.x > b.x || (a.x == b.x && a.y < b.y);
}
