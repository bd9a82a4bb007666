// Types of the AssemblyScript that kernels/build/innerLoops writes.
export declare const panels: (
  dtype: i32,
  wa: usize,
  wb: usize,
  factors: usize,
  x: usize,
  ya: usize,
  yb: usize,
  count: i32,
) => void;
