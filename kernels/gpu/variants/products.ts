/** The variants of each product. */
import matvecSubgroupsSource from './matvecSubgroups.wgsl';
import tilesSource from './tiles.wgsl';
import tilesF16Source from './tilesF16.wgsl';
import tilesF32Source from './tilesF32.wgsl';
import tilesI8Source from './tilesI8.wgsl';
import tilesMatricesSource from './tilesMatrices.wgsl';
import linearSource from '../matmul/linear.wgsl';
import matmulSource from '../matmul/matmul.wgsl';
import matvecSource from '../matmul/matvec.wgsl';
import matvecSumsSource from '../matmul/matvecSums.wgsl';
import weightSource from '../matmul/weight.wgsl';
import type { Need } from '../device/adapter.ts';
import { defineKernel } from '../device/kernel.ts';
import { formatConstants } from '../packing/layout.ts';
import { MATRICES, MATRICES_TILE, type Matrices, matricesBytes, matricesSource, needsOf } from './matrices.ts';
import type { Product, Variant } from './variant.ts';

const bindings = ['read', 'read', 'read', 'read', 'read', 'write'] as const;
const shared = weightSource + linearSource;
const matvec = defineKernel('matvec', shared + matvecSumsSource + matvecSource, bindings);
const matvecSubgroups = defineKernel(
  'matvec in subgroups',
  // Every invocation of a subgroup has the same slot, which the compiler cannot know.
  `enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n${shared}${matvecSumsSource}${matvecSubgroupsSource}`,
  bindings,
);
const matmul = defineKernel('matmul', shared + matmulSource, bindings);

/** Rows of x that a workgroup of matvecs computes where there are several. */
const MATVEC_ROWS = 4;
/** Rows of w that a slot of matvecs computes: OUTS in matvecSums.wgsl. */
const SLOT_OUTS = 4;
const TILE = 64; // in matmul.wgsl
const QUAD_BYTES = 16;

/** Threads of tiles.wgsl, and the outputs of each. */
const TILES_THREADS = 256;
const THREAD_OUTS = 4;
/** Quads of a row of a tile in shared memory, and the bytes of its factors there: STRIDE, and GROUPS times 8, of tiles.wgsl. */
const TILES_STRIDE = 9;
const FACTOR_BYTES = 16;

interface Tiles {
  readonly needs: readonly Need[];
  readonly quadBytes: number;
  readonly kernel: ReturnType<typeof defineKernel>;
}

const TILES: Record<'f32' | 'f16' | 'int8', Tiles> = {
  f32: {
    needs: [],
    quadBytes: 16,
    kernel: defineKernel('tiles, f32', shared + tilesF32Source + tilesSource, bindings),
  },
  f16: {
    needs: ['f16'],
    quadBytes: 8,
    kernel: defineKernel('tiles, f16', `enable f16;\n${shared}${tilesF16Source}${tilesSource}`, bindings),
  },
  int8: {
    needs: ['byte products'],
    quadBytes: 4,
    kernel: defineKernel('tiles, int8', shared + tilesI8Source + tilesSource, bindings),
  },
};

/**
 * By product. The first that a device has the memory for is in f32, needs no feature, and runs until another is known to be
 * right and faster.
 */
export const VARIANTS: Readonly<Record<Product, readonly Variant[]>> = {
  matvec: [
    matvecOf(32, 2),
    matvecOf(64, 2),
    matvecOf(64, 4),
    matvecOf(16, 8),
    matvecSubgroupsOf(64, 2),
    matvecSubgroupsOf(128, 4),
    matvecSubgroupsOf(256, 8),
  ],
  matmul: [
    matmulOf('tiles of 64 x 64', 8),
    matmulOf('tiles of 64 x 64, half as deep', 4),
    tilesOf('f32', 16, 4),
    tilesOf('f32', 16, 2),
    tilesOf('f32', 8, 2),
    tilesOf('f16', 16, 4),
    tilesOf('f16', 16, 8),
    tilesOf('int8', 16, 4),
    tilesOf('int8', 16, 8),
    ...MATRICES.map(matricesOf),
  ],
};

/** Whether variants of these names need subgroup matrices. */
export function needMatrices(names: readonly string[]): boolean {
  return MATRICES.some((matrices) => names.includes(nameOf(matrices)));
}

/** DEPTH of matmul.wgsl. */
function matmulOf(name: string, depth: number): Variant {
  return {
    name,
    arithmetic: 'f32',
    needs: [],
    workgroupBytes: 2 * TILE * (depth + 1) * QUAD_BYTES,
    takes: () => true,
    kernel: (dtype) => matmul({ ...formatConstants(dtype), DEPTH: depth }),
    tile: () => ({ outs: TILE, rows: TILE }),
  };
}

function matvecOf(lanes: number, slots: number): Variant {
  return {
    name: `${SLOT_OUTS * slots} rows by ${lanes} threads each`,
    arithmetic: 'f32',
    needs: [],
    workgroupBytes: slots * lanes * MATVEC_ROWS * QUAD_BYTES,
    takes: () => true,
    kernel: (dtype, rows) => matvec({ ...formatConstants(dtype), X_ROWS: xRows(rows), LANES: lanes, SLOTS: slots }),
    tile: (rows) => ({ outs: SLOT_OUTS * slots, rows: xRows(rows) }),
  };
}

function matvecSubgroupsOf(threads: number, slots: number): Variant {
  return {
    name: `${SLOT_OUTS * slots} rows by subgroups of ${threads} threads`,
    arithmetic: 'f32',
    needs: ['subgroups'],
    workgroupBytes: 0,
    takes: () => true,
    kernel: (dtype, rows) => {
      return matvecSubgroups({ ...formatConstants(dtype), X_ROWS: xRows(rows), THREADS: threads, SLOTS: slots });
    },
    tile: (rows) => ({ outs: SLOT_OUTS * slots, rows: xRows(rows) }),
  };
}

function xRows(rows: number): number {
  return rows === 1 ? 1 : MATVEC_ROWS;
}

/** COLUMNS and ROWS of tiles.wgsl. */
function tilesOf(arithmetic: keyof typeof TILES, columns: number, rowsPerThread: number): Variant {
  const tile = { outs: columns * THREAD_OUTS, rows: (TILES_THREADS / columns) * rowsPerThread };
  const { needs, quadBytes, kernel } = TILES[arithmetic];
  return {
    name: `${arithmetic} in tiles of ${tile.rows} x ${tile.outs}, scaled by group`,
    arithmetic,
    needs,
    workgroupBytes: (tile.rows + tile.outs) * (TILES_STRIDE * quadBytes + FACTOR_BYTES),
    takes: (dtype) => arithmetic !== 'int8' || (dtype !== 'f32' && dtype !== 'f16'),
    kernel: (dtype) => kernel({ ...formatConstants(dtype), COLUMNS: columns, ROWS: rowsPerThread }),
    tile: () => tile,
  };
}

function matricesOf(matrices: Matrices): Variant {
  const name = nameOf(matrices);
  const kernel = defineKernel(name, matricesSource(matrices, shared, tilesMatricesSource), bindings);
  return {
    name,
    arithmetic: matrices.factors === 'f16' ? 'f16 factors' : 'f32',
    needs: needsOf(matrices),
    workgroupBytes: matricesBytes(matrices),
    takes: () => true,
    kernel: (dtype) => kernel(formatConstants(dtype)),
    tile: () => ({ outs: MATRICES_TILE, rows: MATRICES_TILE }),
  };
}

function nameOf({ factors, size, subgroup }: Matrices): string {
  return `${factors} by matrices of ${size.join(' x ')}, in subgroups of ${subgroup}`;
}
