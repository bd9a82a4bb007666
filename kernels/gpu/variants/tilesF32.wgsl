// The arithmetic of tiles.wgsl: f32 throughout. Neither x nor w needs a scale.
alias Quad = vec4f;
alias Sum = f32;
const ONES = vec4f(1);
const SCALES_W = false;

fn scaleFor(largest: f32) -> f32 {
  return 1;
}

fn packX(values: vec4f) -> Quad {
  return values;
}

fn packW(block: vec4u, fifths: u32, index: u32, inverse: f32) -> Quad {
  return quadOf(block, fifths, index);
}

fn product(v: Quad, w: Quad) -> Sum {
  return dot(v, w);
}

