// Eight chains x = x * factor + addend of four lanes each, which wait for nothing but themselves: 128 multiply-adds per
// round and invocation. Behind `alias Lane = f32;` or `f16`. numbers: factor, addend.
struct Params { rounds: u32 }

@group(0) @binding(0) var<storage, read> numbers: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) thread: u32) {
  let index = workgroupIndex(grid) * WORKGROUP + thread;
  let factor = vec4<Lane>(Lane(numbers[0]));
  let addend = vec4<Lane>(Lane(numbers[1]));
  var a = vec4<Lane>(Lane(index & 1));
  var b = a + addend;
  var c = b + addend;
  var d = c + addend;
  var e = d + addend;
  var f = e + addend;
  var g = f + addend;
  var h = g + addend;
  for (var round = 0u; round < params.rounds; round++) {
    for (var i = 0u; i < 4; i++) {
      a = fma(a, factor, addend);
      b = fma(b, factor, addend);
      c = fma(c, factor, addend);
      d = fma(d, factor, addend);
      e = fma(e, factor, addend);
      f = fma(f, factor, addend);
      g = fma(g, factor, addend);
      h = fma(h, factor, addend);
    }
  }
  let sum = vec4f(a) + vec4f(b) + vec4f(c) + vec4f(d) + vec4f(e) + vec4f(f) + vec4f(g) + vec4f(h);
  sums[index] = sum.x + sum.y + sum.z + sum.w;
}
