/** Products of few rows that have their neighbours as parts of their own; README.md says when. */
import matvecSource from './matvec.wgsl';
import productSource from './product.wgsl';
import qkvSource from './qkv.wgsl';
import matvecSumsSource from '../matmul/matvecSums.wgsl';
import weightSource from '../matmul/weight.wgsl';
import { defineKernel, f32, u32 } from '../device/kernel.ts';
import type { Recording } from '../device/recording.ts';
import type { GpuTensor, GpuWeight, Made, Norm, Storage } from '../device/tensor.ts';
import { formatConstants, paddedQuads, scaleWords } from '../packing/layout.ts';

const reads = ['read', 'read', 'read', 'read', 'read'] as const;
const behind = matvecSumsSource + matvecSource;
const kernel = defineKernel('joined product', weightSource + productSource + behind, [...reads, 'read', 'write']);
const qkvKernel = defineKernel('joined qkv', weightSource + qkvSource + behind, [...reads, 'write', 'write', 'write']);

const ROWS = 4; // of x, where there are several
const GROUP_OUTS = 8; // SLOTS * OUTS in matvec.wgsl

interface Adds {
  readonly bias?: GpuTensor | undefined;
  readonly residual?: GpuTensor | undefined;
}

/** x @ weight^T (+ bias) (+ residual) from what x is the norm of, if it is one; then nothing needs x. */
export function normedProduct(
  recording: Recording,
  x: GpuTensor,
  weight: GpuWeight,
  adds: Adds,
): GpuTensor | undefined {
  return sourceOf(recording, x).normed && product(recording, x, weight, adds, false);
}

/**
 * up gate sigmoid(gate) of the product that made `gateUp`, gate first, where one dispatch can compute both; then nothing
 * needs gateUp.
 */
export function gatedProduct(recording: Recording, gateUp: GpuTensor): GpuTensor | undefined {
  const { made } = gateUp;
  if (made?.by !== 'linear' || made.weight.parts.length > 1 || !isValid(recording, made)) return undefined;
  return product(recording, made.x, made.weight, { bias: made.bias }, true);
}

/** What appendKv makes of a token's q, k and v. */
export interface Appended {
  readonly rope: GpuTensor;
  /** (1, heads headDim): the rotated q. */
  readonly q: GpuTensor;
  readonly keys: Storage;
  readonly values: Storage;
  /** Where the key and value go. */
  readonly page: number;
  readonly slot: number;
  /** Constants of pages.wgsl. */
  readonly constants: Record<string, number>;
}

/** Whether the product that made `qkv`, of one token, has itself stored what `appended` says; then nothing needs qkv. */
export function appendedProduct(recording: Recording, qkv: GpuTensor, appended: Appended): boolean {
  const { made } = qkv;
  if (made?.by !== 'linear' || made.bias || made.weight.parts.length > 1 || !isValid(recording, made)) return false;
  const { blocks, scales, rows } = made.weight.parts[0]!;
  const { dtype } = made.weight;
  const width = made.x.shape[1]!;
  const { source, normed } = sourceOf(recording, made.x);
  const { rope, q, keys, values, page, slot, constants } = appended;
  const norm = normed?.weight ?? source;
  const sizes = [1, paddedQuads(width, dtype), scaleWords(width, dtype), rows, page, slot];
  recording.dispatchTiles(
    qkvKernel({ ...formatConstants(dtype), X_ROWS: 1, NORMED: Number(normed !== undefined), ...constants }),
    [blocks, scales, source.storage, norm.storage, rope.storage, q.storage, keys, values],
    (column) => [...[...sizes, 0, column].map(u32), f32(normed?.eps ?? 0)],
    [Math.ceil(rows / GROUP_OUTS), 1],
    GROUP_OUTS * width,
  );
  return true;
}

function product(recording: Recording, x: GpuTensor, weight: GpuWeight, adds: Adds, isGated: boolean): GpuTensor {
  const [rows = 0, width = 0] = x.shape;
  const { dtype } = weight;
  const allOuts = weight.shape[0] / (isGated ? 2 : 1);
  const { source, normed } = sourceOf(recording, x);
  const y = recording.tensor([rows, allOuts]);
  const xRows = rows === 1 ? 1 : ROWS;
  const joins = { NORMED: Number(normed !== undefined), GATED: Number(isGated) };
  const read = [source, adds.bias ?? source, adds.residual ?? source, normed?.weight ?? source];
  const isAdded = [adds.bias, adds.residual].map((tensor) => (tensor ? 1 : 0));
  for (const part of weight.parts) {
    const sizes = [rows, paddedQuads(width, dtype), scaleWords(width, dtype), part.rows, part.firstRow, allOuts];
    recording.dispatchTiles(
      kernel({ ...formatConstants(dtype), X_ROWS: xRows, ...joins }),
      [part.blocks, part.scales, ...read.map(({ storage }) => storage), y.storage],
      (column, line) => [...[...sizes, ...isAdded, line * xRows, column].map(u32), f32(normed?.eps ?? 0)],
      [Math.ceil(part.rows / GROUP_OUTS), Math.ceil(rows / xRows)],
      GROUP_OUTS * xRows * width,
    );
  }
  return y;
}

/** What a product reads for `x`, whose width is whole blocks: where x is a norm, that of which it is. */
function sourceOf(
  recording: Recording,
  x: GpuTensor,
): { readonly source: GpuTensor; readonly normed: Norm | undefined } {
  const { made } = x;
  if (made?.by !== 'rmsNorm' || !isValid(recording, made)) return { source: x, normed: undefined };
  return { source: made.x, normed: made.norm };
}

function isValid(recording: Recording, { x, since }: Made): boolean {
  return recording.isUnchanged(x.storage, since);
}
