// Follows rowSum.wgsl; put in front of rmsNorm.wgsl and layerNorm.wgsl. x: (rows, cols)   weight: (cols)
struct Params { rows: u32, cols: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;

