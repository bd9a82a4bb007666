import type { Ops, Tensor, WeightWriter } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../kernels/quantize.ts';
import { decodeRows } from '../../kernels/stored/decodeRows.ts';
import { BadModel } from '../errors.ts';
import type { WeightSpec } from '../models/decoder.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';

/** One tensor on its way from a checkpoint to a backend. */
export class TensorLoad {
  readonly name: string;
  /** Size as stored. */
  readonly bytes: number;
  readonly rowBytes: number;
  readonly #ops: Ops;
  readonly #checkpoint: Checkpoint;
  readonly #spec: WeightSpec;
  #writer: WeightWriter | undefined;
  #bytesLeft: number;

  constructor(ops: Ops, checkpoint: Checkpoint, spec: WeightSpec) {
    this.#ops = ops;
    this.#checkpoint = checkpoint;
    this.#spec = spec;
    const { shape, bytes } = checkpoint.tensors.get(spec.name)!;
    this.name = spec.name;
    this.bytes = this.#bytesLeft = bytes;
    // A vector is one row.
    this.rowBytes = bytes / shape.slice(0, -1).reduce((a, b) => a * b, 1);
  }

  /**
   * Loads `bytes` bytes, whole rows, that begin at byte `from`. To be called for all rows, in order; calls may overlap.
   * The call that ends last resolves with the tensor, the others with undefined. Rejects with BadModel where a value is
   * not finite or beyond the range of the tensor's format.
   */
  async take(from: number, bytes: number): Promise<Tensor | undefined> {
    const { shape, format, layer, name } = this.#spec;
    const { dtype } = this.#checkpoint.tensors.get(name)!;
    const fill = (into: Uint8Array): Promise<void> => this.#checkpoint.read(name, from, into);
    if (shape.length === 1) {
      const stored = new Uint8Array(bytes);
      await fill(stored);
      const { values, largest } = decodeRows(stored, dtype);
      this.#validate(largest);
      return this.#ops.upload(values, shape, layer);
    }
    this.#writer ??= this.#ops.createWeight(shape as readonly [number, number], format, layer);
    this.#validate(await this.#writer.writeStored(bytes, dtype, fill));
    this.#bytesLeft -= bytes;
    return this.#bytesLeft === 0 ? this.#writer.finish() : undefined;
  }

  #validate(largest: number): void {
    const { name, format } = this.#spec;
    if (!Number.isFinite(largest))
      throw new BadModel(`The tensor ${name} contains NaN or infinite weights. The file is damaged.`);
    if (largest > LARGEST_WEIGHT[format])
      throw new BadModel(
        `The tensor ${name} contains a weight of ${largest.toPrecision(3)}, which is too large for ${format}.`,
      );
  }
}
