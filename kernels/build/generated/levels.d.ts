// Types of the AssemblyScript that kernels/build/innerLoops writes.
/** Address of the 16 levels of q4nl, as i8. */
export declare const LEVELS: usize;
