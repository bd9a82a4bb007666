// Types of the AssemblyScript that generate.ts writes.
type Rows2 = (w: usize, x0: usize, x1: usize, y0: usize, yBytes: usize, count: i32) => void;
type Rows4 = (w: usize, x0: usize, x1: usize, x2: usize, x3: usize, y0: usize, yBytes: usize, count: i32) => void;
export declare const rows2Q4: Rows2;
export declare const rows2Q8: Rows2;
export declare const rows4Q4: Rows4;
export declare const rows4Q8: Rows4;
