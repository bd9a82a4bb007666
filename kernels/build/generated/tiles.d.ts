// Types of the AssemblyScript that generate.ts writes.
export declare const tile: (dtype: i32, x: usize, w: usize, sums: usize, count: i32) => void;
