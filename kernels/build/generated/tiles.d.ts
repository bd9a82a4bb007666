// Types of the AssemblyScript that kernels/build/innerLoops writes.
export declare const tile: (dtype: i32, x: usize, w: usize, sums: usize, count: i32) => void;
