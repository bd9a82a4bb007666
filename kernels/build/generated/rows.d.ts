// Types of the AssemblyScript that kernels/build/innerLoops writes.
export declare const rows2: (
  dtype: i32,
  w: usize,
  factors: usize,
  x0: usize,
  x1: usize,
  y0: usize,
  yBytes: usize,
  count: i32,
) => void;
export declare const rows4: (
  dtype: i32,
  w: usize,
  factors: usize,
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  y0: usize,
  yBytes: usize,
  count: i32,
) => void;
