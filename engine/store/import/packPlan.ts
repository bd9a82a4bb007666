import type { WeightDType } from '../../../kernels/ops.ts';
import type { PlainType } from '../../../kernels/encode/plainRows.ts';
import { type WeightedType, weightedType } from '../../../kernels/encode/weightedRows.ts';
import { type StoredType, STORED, storedBytes } from '../../../kernels/stored/storedTypes.ts';
import { storedPieces } from '../../load/storedPieces.ts';
import { chooseFormats } from '../../load/weightFormats.ts';
import type { TensorSpec, WeightSpec } from '../../models/decoder.ts';
import type { Checkpoint, CheckpointTensor } from '../../sources/checkpoint.ts';
import { packedMetadata } from '../../sources/packedTypes.ts';

/** A stored tensor and the type in which it is packed. */
export interface PackedTensor {
  readonly name: string;
  readonly stored: CheckpointTensor;
  /** As stored, or what its values are rounded to. */
  readonly type: StoredType | PlainType | WeightedType;
  /** The decoder's matrix that it is or belongs to, where its errors are weighed by that matrix's importance. */
  readonly weighedAs: string | undefined;
  readonly bytes: number;
  /** The format that the type stands for, which limits the values. */
  readonly format: WeightDType;
}

export interface PackPlan {
  /** In the order of the packed file, which is that of the source. */
  readonly tensors: readonly PackedTensor[];
  /** What stands in the packed file before the tensors. */
  readonly header: Uint8Array;
  /** Size of the packed file. */
  readonly bytes: number;
  /** Size of the tensors in the source. */
  readonly sourceBytes: number;
}

/** The stored types that the formats take over as they are (kernels/keep.ts). */
const PACKED_AS: Readonly<Partial<Record<WeightDType, PlainType>>> = {
  f16: 'F16',
  q8: 'Q8_0',
  q4: 'Q4_0',
  q4m: 'Q4_1',
};

/**
 * Packs what a decoder needs, in the formats in which it would be loaded, or as if `asked` were asked for there. Vectors
 * stay as they are stored. With calibration, matrices take 4 bits with scales and minima that it chooses.
 */
export function planPacking(
  checkpoint: Checkpoint,
  specs: readonly TensorSpec[],
  asked?: WeightDType | 'calibrated',
): PackPlan {
  const calibrated = asked === 'calibrated';
  const formats = new Map<string, WeightSpec>();
  for (const spec of chooseFormats(specs, checkpoint, calibrated ? 'q4m' : asked)) {
    for (const { name } of storedPieces(checkpoint, spec)) formats.set(name, spec);
  }
  const tensors = checkpoint.order
    .filter((name) => formats.has(name))
    .map((name) => packedTensor(name, checkpoint.tensors.get(name)!, formats.get(name)!, calibrated));
  const header = headerOf(tensors);
  return {
    tensors,
    header,
    bytes: header.length + tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    sourceBytes: tensors.reduce((sum, { stored }) => sum + stored.bytes, 0),
  };
}

function packedTensor(name: string, stored: CheckpointTensor, spec: WeightSpec, calibrated: boolean): PackedTensor {
  const { shape, format, role } = spec;
  const weighedAs = calibrated && role === 'matrix' ? spec.name : undefined;
  const plain = (shape.length === 2 ? PACKED_AS[format] : undefined) ?? stored.dtype;
  const type = weighedAs === undefined ? plain : weightedType(shape[1]!);
  return { name, stored, type, weighedAs, bytes: storedBytes(valuesOf(stored), type), format };
}

/** The header of a safetensors file. Format: github.com/huggingface/safetensors. */
function headerOf(tensors: readonly PackedTensor[]): Uint8Array {
  const blocks = tensors.filter(({ type }) => STORED[type].quantized);
  const entries: Record<string, unknown> = {
    __metadata__: packedMetadata(new Map(blocks.map(({ name, type }) => [name, type]))),
  };
  let from = 0;
  for (const tensor of tensors) {
    const { name, stored, type, bytes } = tensor;
    const isPacked = blocks.includes(tensor);
    const shape = isPacked ? [stored.shape[0]!, bytes / stored.shape[0]!] : stored.shape;
    entries[name] = { dtype: isPacked ? 'U8' : type, shape, data_offsets: [from, from + bytes] };
    from += bytes;
  }
  const text = Buffer.from(JSON.stringify(entries));
  const length = Math.ceil(text.length / 8) * 8;
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  text.copy(header, 8);
  return header;
}

function valuesOf({ shape }: CheckpointTensor): number {
  return shape.reduce((a, b) => a * b, 1);
}
