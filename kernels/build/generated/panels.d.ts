// Types of the AssemblyScript that generate.ts writes.
type Panels = (wa: usize, wb: usize, x: usize, ya: usize, yb: usize, count: i32) => void;
export declare const panelsQ4: Panels;
export declare const panelsQ8: Panels;
