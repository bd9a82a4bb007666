// The arithmetic of tiles.wgsl: products and sums of a group in f16, behind `enable f16;`. x is scaled to at most 1, as is w
// where its format has no codes; a sum is then at most 32 x 128, whatever x and w are.
alias Quad = vec4<f16>;
alias Sum = f16;
const ONES = vec4<f16>(1);
override SCALES_W: bool = FORMAT < 2;

fn scaleFor(largest: f32) -> f32 {
  return largest;
}

fn packX(values: vec4f) -> Quad {
  return Quad(values);
}

fn packW(block: vec4u, fifths: u32, index: u32, inverse: f32) -> Quad {
  let values = quadOf(block, fifths, index);
  if (SCALES_W) {
    return Quad(values * inverse);
  }
  return Quad(values);
}

fn product(v: Quad, w: Quad) -> Sum {
  return dot(v, w);
}

