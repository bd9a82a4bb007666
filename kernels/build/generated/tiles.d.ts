// Types of the AssemblyScript that generate.ts writes.
type Tile = (x: usize, w: usize, sums: usize, count: i32) => void;
export declare const tileQ4: Tile;
export declare const tileQ8: Tile;
