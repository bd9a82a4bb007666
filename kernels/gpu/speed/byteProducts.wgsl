// Eight chains x = x + (four bytes of x) . (four bytes of a factor): 128 multiply-adds per round and invocation.
struct Params { rounds: u32 }

@group(0) @binding(0) var<storage, read> numbers: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<i32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  let factor = numbers[0];
  var a = i32(index & 1);
  var b = a + 1;
  var c = a + 2;
  var d = a + 3;
  var e = a + 4;
  var f = a + 5;
  var g = a + 6;
  var h = a + 7;
  for (var round = 0u; round < params.rounds; round++) {
    for (var i = 0u; i < 4; i++) {
      a += dot4I8Packed(u32(a), factor);
      b += dot4I8Packed(u32(b), factor);
      c += dot4I8Packed(u32(c), factor);
      d += dot4I8Packed(u32(d), factor);
      e += dot4I8Packed(u32(e), factor);
      f += dot4I8Packed(u32(f), factor);
      g += dot4I8Packed(u32(g), factor);
      h += dot4I8Packed(u32(h), factor);
    }
  }
  sums[index] = a + b + c + d + e + f + g + h;
}
