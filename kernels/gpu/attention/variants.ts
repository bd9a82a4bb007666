/** The ways to compute attention: of few tokens (decode) and of many (prefill). */
import pagesSource from './pages.wgsl';
import splitSource from './attentionSplit.wgsl';
import splitSharedSource from './splitShared.wgsl';
import splitSubgroupsSource from './splitSubgroups.wgsl';
import tiledSource from './attentionTiled.wgsl';
import tiledSharedSource from './tiledShared.wgsl';
import tiledSubgroupsSource from './tiledSubgroups.wgsl';
import visibleSource from './visible.wgsl';
import { PAGE_TOKENS } from '../../ops.ts';
import type { Need } from '../device/adapter.ts';
import { type Kernel, defineKernel } from '../device/kernel.ts';

export interface AttentionVariant {
  /** As reports show it. Names a variant among all of attention. */
  readonly name: string;
  readonly needs: readonly Need[];
  /** Shared memory of a workgroup for heads of such a width. */
  workgroupBytes(headDim: number): number;
}

/** Splits of the keys that a head sees, for attentionMerge.wgsl where there are several. */
export interface DecodeVariant extends AttentionVariant {
  /** Units of keys that make up for a split, which costs a dispatch more. */
  readonly splitUnits: number;
  /** Of units, in a workgroup, where there are enough of them. */
  readonly mostWays: number;
  kernel(constants: Record<string, number>, ways: number): Kernel;
}

export interface PrefillVariant extends AttentionVariant {
  /** Tokens of a tile, which lies in one block: it takes no smaller blocks. */
  readonly tile: number;
  /** Of a workgroup, where several dispatches share its keys. */
  readonly stateBytes: number;
  kernel(constants: Record<string, number>): Kernel;
}

export interface AttentionVariants {
  readonly decode: readonly DecodeVariant[];
  readonly prefill: readonly PrefillVariant[];
}
export type Phase = keyof AttentionVariants;

const SUBGROUPS = 'enable subgroups;\n';
const before = pagesSource + visibleSource;
const bindings = ['read', 'read', 'read', 'read', 'write', 'write'] as const;
const split = defineKernel('attentionSplit', before + splitSharedSource + splitSource, bindings);
const splitSubgroups = defineKernel(
  'attentionSplit in subgroups',
  // Whether all threads of a workgroup get to a subgroup's operation depends on uniform values only, which the compiler cannot know.
  `${SUBGROUPS}diagnostic(off, subgroup_uniformity);\n${before}${splitSubgroupsSource}${splitSource}`,
  bindings,
);
const tiled = defineKernel('attentionTiled', before + tiledSharedSource + tiledSource, bindings);
const tiledSubgroups = defineKernel(
  'attentionTiled in subgroups',
  `${SUBGROUPS}diagnostic(off, subgroup_uniformity);\n${before}${tiledSubgroupsSource}${tiledSource}`,
  bindings,
);

const QUAD_BYTES = 16;
/** Quads of a thread's state: STATE of attentionTiled.wgsl. */
const STATE = 7;
/** Threads by token of a tile. */
const TILE_THREADS = 8;

/** The first of each needs no feature, has room on every device, takes all blocks, and runs until another is known to be right and faster. */
export const ATTENTION: AttentionVariants = {
  decode: [
    decodeOf(16, 4, false),
    decodeOf(4, 4, false),
    decodeOf(2, 1, false),
    decodeOf(16, 4, true),
    decodeOf(2, 1, true),
  ],
  prefill: [prefillOf(16, false), prefillOf(32, false), prefillOf(8, false), prefillOf(16, true), prefillOf(32, true)],
};

function decodeOf(splitUnits: number, mostWays: number, inSubgroups: boolean): DecodeVariant {
  const threads = mostWays * PAGE_TOKENS;
  const kernel = inSubgroups ? splitSubgroups : split;
  return {
    name: `splits of ${splitUnits} pages, ${mostWays} at a time${inSubgroups ? ', in subgroups' : ''}`,
    needs: inSubgroups ? ['subgroups'] : [],
    // The query, four numbers and a quad of each thread, and the largest of each way.
    workgroupBytes: (headDim) => 4 * headDim + threads * (3 * 4 + QUAD_BYTES) + 4 * mostWays,
    splitUnits,
    mostWays,
    kernel: (constants, ways) => kernel({ ...constants, WAYS: ways }),
  };
}

function prefillOf(tile: number, inSubgroups: boolean): PrefillVariant {
  const kernel = inSubgroups ? tiledSubgroups : tiled;
  const partsBytes = tile * (inSubgroups ? 4 * QUAD_BYTES : TILE_THREADS * 4);
  return {
    name: `tiles of ${tile} tokens${inSubgroups ? ', in subgroups' : ''}`,
    needs: inSubgroups ? ['subgroups'] : [],
    // Queries, scores, parts of the largest, the largest, what they shrink.
    workgroupBytes: (headDim) => 4 * tile * (headDim + PAGE_TOKENS + 2) + partsBytes,
    tile,
    stateBytes: STATE * TILE_THREADS * tile * QUAD_BYTES,
    kernel: (constants) => kernel({ ...constants, TILE: tile }),
  };
}
