/**
 * The form of a step's program, read by both sides: TypeScript that records it and AssemblyScript that runs it (so only
 * what both languages understand may stand here).
 *
 * A program is `count` descriptors of DESCRIPTOR_BYTES each. Words of a descriptor (i32): 0 opcode, 1 items, 2 grain
 * (items that a thread takes at once, or BY_EVERY_THREAD), 3.. the operation's own parameters, as its kernel in assembly/ lists them. Word
 * COUNTER_WORD, on a cache line of its own, counts the grains taken.
 */
export enum Opcode {
  rmsNorm,
  quantise,
  packTiles,
  matvecFloat,
  matvecQ,
  matmulQ,
  embed,
  appendKv,
  attention,
  attentionCombine,
  siluMul,
  layerNorm,
  gegelu,
  maskedScale,
  argmaxPartial,
  argmax,
  topKPartial,
  topK,
  packRows,
  rmsNormQuantised,
  layerNormQuantised,
  siluMulQuantised,
  gegeluQuantised,
  headNorm,
  gelu,
}

export const DESCRIPTOR_BYTES = 128;
export const COUNTER_WORD = 16;
/**
 * The grain of an operation that every thread computes as a whole, because that is faster than to wait for the others.
 * No barrier follows. All threads write the same bytes, so it does not matter who writes them last.
 */
export const BY_EVERY_THREAD = 0;

/** Dtype as a descriptor states it. */
export enum DTypeCode {
  f32,
  f16,
  q8,
  q4,
  q4nl,
  q4m,
  q4k,
  q5m,
  q5k,
  q6m,
}

/** Format of stored weights as a descriptor states it. */
export enum StoredCode {
  F32,
  F16,
  BF16,
  Q8_0,
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  IQ4_XS,
}

/** Which of the visible blocks an attention operation takes. */
export enum AttentionPart {
  all,
  local,
  vertical,
}

/**
 * Byte address of the block through which threads meet; static data follow at 4 KiB, the heap at 64 KiB. Every memory
 * has such a block for the barriers of its operations; the words before CONTROL_BARRIER serve in the first one only.
 */
export const CONTROL = 1024;
/** i32 words of the control block; generation, done and barrier each on its own cache line. */
export const CONTROL_GENERATION = 0;
export const CONTROL_DONE = 16;
/**
 * The step's plan: address, number of entries, memories that exist, and where the first thread writes the time of each
 * operation, or 0.
 */
export const CONTROL_PLAN = 32;
export const CONTROL_ENTRIES = 33;
export const CONTROL_BANKS = 34;
export const CONTROL_TIMES = 35;
export const CONTROL_BARRIER = 48;
/**
 * A step's plan is a list of entries of PLAN_WORDS words, each for one memory (bank). A stretch of operations: 0 bank,
 * 1 how many, 2 address of their descriptors, 3 scratch of the first thread, 4 scratch bytes per thread. A copy between
 * memories: 0 bank, 1 zero, 2 address in it, 3 bank of the original, 4 its address, 5 bytes.
 */
export const PLAN_WORDS = 8;
export const HEAP_START = 65536;

/** Values per quantisation group, and tokens per page of the KV cache. */
export const GROUP_VALUES = 32;
export const PAGE_SIZE = 64;
/** Output rows that the packed weights keep together. */
export const PANEL_ROWS = 8;
/** Bytes of a panel's block of 32 columns (layout: assembly/matmul/matvecQ.ts). */
export const Q4_BLOCK_BYTES = 144;
export const Q8_BLOCK_BYTES = 272;
export const Q4M_BLOCK_BYTES = 160;
export const Q5M_BLOCK_BYTES = 192;
export const Q6M_BLOCK_BYTES = 256;
/** The same in formats of super-blocks, without the scales and minima that stand before each SUPER_BLOCKS blocks. */
export const Q4K_BLOCK_BYTES = 128;
export const Q5K_BLOCK_BYTES = 160;
export const SUPER_BLOCKS = 8;
export const SUPER_HEADER_BYTES = 128;
/** Scratch for the unpacked scales and minima of a panel's super-block (assembly/matmul/superBlocks.ts). */
export const FACTORS_BYTES = 512;
/** Streams of super-blocks that a row's product reads in turn (assembly/matmul/matvecSuperBlocks.ts). */
export const SUPER_STREAMS = 8;
/** Bytes of 32 quantised activations (layout: assembly/matmul/quantise.ts), and of 32 of each of 8 tokens. */
export const X_BYTES_RELAXED = 40;
export const X_BYTES_PLAIN = 72;
export const TILE_BYTES_RELAXED = 320;
export const TILE_BYTES_PLAIN = 576;
/** Tokens side by side in the lanes of the matrix-matrix kernel. */
export const TILE_TOKENS = 8;
/** Tokens that one task of the matrix-matrix kernel takes: a task's sums fit the L2 cache. */
export const BATCH_TOKENS = 256;
/** Groups of 32 columns taken at a time by the matrix-matrix kernel: unpacked weights fit the L1 cache. */
export const CHUNK_BLOCKS = 32;
/** Products of an 8-bit key of so many values with 16-bit queries fit an i32: 127 * 32767 * 512 < 2^31. */
export const MOST_Q8_HEAD_DIM = 512;
/** Rows of queries that one attention task takes. */
export const QUERY_ROWS = 16;
/** Steps of at most so many tokens compute each as if it were alone. */
export const FEW_TOKENS = 8;
/** Logits that one task of argmax takes. */
export const ARGMAX_CHUNK = 4096;
/** And at least one of topK: each has a list to fill before it can pass most values by, so that there are few. */
export const TOP_K_CHUNK = 4096;
/** Rows of f32 and f16 weights that one item takes, and rows of x: their block fits the L2 cache, and is whole strips. */
export const FLOAT_ROWS = 4;
export const FLOAT_TOKENS = 96;
/** Rows of x that are multiplied at once, and the scratch for their sums. */
export const FLOAT_STRIP_ROWS = 6;
export const FLOAT_SCRATCH = 64 + 64 * FLOAT_STRIP_ROWS;
/** Scratch of the matrix-matrix kernel for unpacked weights: 16 groups x 17 vectors x 4 rows, or 32 groups with half. */
export const UNPACKED_BYTES = 36864;
