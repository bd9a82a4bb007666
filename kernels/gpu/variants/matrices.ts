/** The sizes of subgroup matrices that products know. */
import type { MatricesNeed } from '../device/matrices.ts';

/** Rows, outputs, depth: (M, K) times (K, N). Sums are in f32. */
type Size = readonly [M: number, N: number, K: number];

export interface Matrices {
  readonly factors: 'f16' | 'f32';
  readonly size: Size;
  /** Threads of a subgroup. */
  readonly subgroup: number;
  /** Whether it must be asked for, since the GPU has other sizes, too. Metal has but one, and cannot be asked. */
  readonly onDemand: boolean;
}

export const MATRICES: readonly Matrices[] = [
  // Apple, from M1 on. Its f16 matrices sum up in f16, which products of whole rows overflow.
  { factors: 'f32', size: [8, 8, 8], subgroup: 32, onDemand: false },
  // NVIDIA, and AMD from RDNA 3 on.
  { factors: 'f16', size: [16, 16, 16], subgroup: 32, onDemand: true },
  { factors: 'f16', size: [16, 16, 16], subgroup: 64, onDemand: true },
  // Intel: from Xe2 on, and Arc A.
  { factors: 'f16', size: [8, 16, 16], subgroup: 16, onDemand: true },
  { factors: 'f16', size: [8, 16, 16], subgroup: 32, onDemand: true },
  { factors: 'f16', size: [8, 8, 16], subgroup: 8, onDemand: true },
  // lavapipe, from Mesa 26 on.
  { factors: 'f16', size: [8, 8, 8], subgroup: 8, onDemand: true },
];

/** TILE of tilesMatrices.wgsl, and more that it has. */
export const MATRICES_TILE = 64;
const THREADS = 128;
const STEP_BYTES = 64;
const SCANNING = 8;

export function needsOf({ factors, size, subgroup, onDemand }: Matrices): readonly ('f16' | MatricesNeed)[] {
  return [
    ...(factors === 'f16' ? (['f16'] as const) : []),
    `${factors} matrices of ${size[0]} x ${size[1]} x ${size[2]}`,
    onDemand ? `subgroups of ${subgroup} on demand` : `subgroups of ${subgroup}`,
  ];
}

/** The lines that tilesMatrices.wgsl follows, and itself. */
export function matricesSource(
  { factors, size: [M, N, K], subgroup, onDemand }: Matrices,
  shared: string,
  main: string,
): string {
  const across = 2 ** Math.floor(Math.log2(THREADS / subgroup) / 2);
  const constants = { M, N, K, SUBGROUP: subgroup, FACTOR_BYTES: factors === 'f16' ? 2 : 4, ACROSS: across };
  return [
    'enable subgroups;',
    ...(factors === 'f16' ? ['enable f16;'] : []),
    ...(onDemand ? ['enable subgroup_size_control;'] : []),
    'enable chromium_experimental_subgroup_matrix;',
    'diagnostic(off, chromium.subgroup_matrix_uniformity);', // Which subgroup it is, is the same in all of its threads.
    shared,
    `alias Factor = ${factors};`,
    ...Object.entries({ ...constants, DOWN: THREADS / subgroup / across }).map(([name, value]) => {
      return `const ${name} = ${value}u;`;
    }),
    onDemand ? main.replace('@compute', `@compute @subgroup_size(${subgroup})`) : main,
  ].join('\n');
}

/** Shared memory of tilesMatrices.wgsl. */
export function matricesBytes({ size: [M, N], subgroup }: Matrices): number {
  return (
    2 * MATRICES_TILE * (STEP_BYTES + 16) +
    4 * (MATRICES_TILE + Math.max(MATRICES_TILE * SCANNING, (THREADS / subgroup) * M * N))
  );
}
