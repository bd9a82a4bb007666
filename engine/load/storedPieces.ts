import { STORED, type StoredType } from '../../kernels/stored/storedTypes.ts';
import { BadModel } from '../errors.ts';
import type { TensorPart, TensorSpec } from '../models/decoder.ts';
import type { Checkpoint, CheckpointTensor } from '../sources/checkpoint.ts';
import { deinterleave } from './rowOrder.ts';

/** Consecutive rows of a decoder's tensor that lie together in one stored tensor. A row of a vector is one value. */
export interface StoredPiece {
  /** The stored tensor. */
  readonly name: string;
  readonly dtype: StoredType;
  /** Its first byte, and the number of bytes. */
  readonly from: number;
  readonly bytes: number;
  readonly rowBytes: number;
  /** Row i of a head is row headOrder[i] of a stored head. undefined where the rows are in order. */
  readonly headOrder: readonly number[] | undefined;
}

/** Where the checkpoint has the rows of a tensor, in order. The checkpoint has been compared with it. */
export function storedPieces(checkpoint: Checkpoint, spec: TensorSpec): StoredPiece[] {
  const whole = checkpoint.tensors.get(spec.name);
  let firstRow = 0;
  return partsOf(spec).map((part) => {
    const stored = whole ?? checkpoint.tensors.get(part.name)!;
    const rowBytes = stored.bytes / (whole ? spec.shape[0]! : part.rows);
    const piece = {
      name: whole ? spec.name : part.name,
      dtype: stored.dtype,
      from: whole ? firstRow * rowBytes : 0,
      bytes: part.rows * rowBytes,
      rowBytes,
      headOrder: headOrder(stored, part),
    };
    firstRow += part.rows;
    return piece;
  });
}

/** Tensors that may be stored beside the weights: computable buffers of old exports, and the copy of a tied head. */
const IGNORED = /\.rotary_emb\.inv_freq$|^lm_head\.weight$/;

/** Throws BadModel, whose sentence names the first tensor that is missing, unexpected, or of another shape. */
export function compare(checkpoint: Checkpoint, specs: readonly TensorSpec[]): void {
  const required = specs.flatMap((spec) => {
    const { name, role, shape, storedShape = shape } = spec;
    if (checkpoint.tensors.has(name) || !isStoredInParts(checkpoint, spec)) return [{ name, role, shape: storedShape }];
    return partsOf(spec).map((part) => ({ name: part.name, role, shape: [part.rows, ...shape.slice(1)] }));
  });
  const names = new Set(required.map(({ name }) => name));
  const extra = checkpoint.order.filter((name) => !names.has(name) && !IGNORED.test(name));
  const missing = [...names].filter((name) => !checkpoint.tensors.has(name));
  if (missing.length > 0) throw new BadModel(`The weights do not contain ${listed(missing)}.`);
  if (extra.length > 0) throw new BadModel(`The weights contain ${listed(extra)}, which config.json does not require.`);
  for (const { name, role, shape } of required) {
    const { shape: stored, dtype } = checkpoint.tensors.get(name)!;
    if (stored.join() !== shape.join()) {
      throw new BadModel(
        `The tensor ${name} has the shape (${stored.join(', ')}), but config.json requires (${shape.join(', ')}).`,
      );
    }
    if ((role === 'vector' || role === 'bias') && STORED[dtype].quantized)
      throw new BadModel(`The tensor ${name} is a vector in ${dtype}; vectors have to be floating-point numbers.`);
  }
}

function partsOf({ name, shape, parts }: TensorSpec): readonly TensorPart[] {
  return parts ?? [{ name, rows: shape[0]! }];
}

/** Whether any part is stored as a tensor of its own. */
function isStoredInParts(checkpoint: Checkpoint, spec: TensorSpec): boolean {
  return partsOf(spec).some(({ name }) => checkpoint.tensors.has(name));
}

/** The order of the decoder's rows, applied to the order in which the file has them. */
function headOrder({ interleavedHead }: CheckpointTensor, part: TensorPart): readonly number[] | undefined {
  if (interleavedHead === undefined) return part.headOrder;
  const stored = deinterleave(interleavedHead);
  return part.headOrder?.map((row) => stored[row]!) ?? stored;
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names[0]} and ${names.length - 1} more`;
}
