import type { Ops, Tensor, WeightDType, WeightWriter } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../kernels/quantize.ts';
import { BadModel } from '../errors.ts';
import type { TensorSpec } from '../models/decoder.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { widen } from '../sources/widen.ts';

/** One tensor on its way from a checkpoint to a backend. */
export class TensorLoad {
  readonly name: string;
  readonly bytes: number;
  /** As stored. */
  readonly rowBytes: number;
  readonly #format: WeightDType;
  #writer: WeightWriter | undefined;
  #bytesLeft: number;
  /** The rows so far, where they must be written in order. */
  #written: Promise<unknown> = Promise.resolve();

  readonly #ops: Ops;
  readonly #checkpoint: Checkpoint;
  readonly #spec: TensorSpec;

  constructor(ops: Ops, checkpoint: Checkpoint, spec: TensorSpec, dtype: WeightDType) {
    this.#ops = ops;
    this.#checkpoint = checkpoint;
    this.#spec = spec;

    const { shape, bytes } = checkpoint.tensors.get(spec.name)!;
    this.name = spec.name;
    this.bytes = this.#bytesLeft = bytes;
    this.rowBytes = bytes / shape.slice(0, -1).reduce((a, b) => a * b, 1);
    this.#format = spec.role === 'embedding' && dtype === 'q4' ? 'q8' : dtype;
  }

  /**
   * Loads `bytes` bytes, whole rows, from byte `from` on. Called for all rows, in order; the calls may overlap. The one
   * that ends last gives the tensor.
   */
  async take(from: number, bytes: number): Promise<Tensor | undefined> {
    const { role, shape, layer, name } = this.#spec;
    const { dtype } = this.#checkpoint.tensors.get(name)!;
    if (role === 'vector' || role === 'bias') {
      return this.#ops.upload(await this.#readWidened(from, bytes), shape, layer);
    }
    const writer = (this.#writer ??= this.#ops.createWeight(shape as readonly [number, number], this.#format, layer));
    if (writer.writeStored) {
      this.#validate(await writer.writeStored(bytes, dtype, (into) => this.#checkpoint.read(name, from, into)));
    } else {
      const before = this.#written;
      const written = this.#readWidened(from, bytes).then(async (rows) => {
        await before;
        writer.write(rows);
      });
      this.#written = written;
      await written;
    }
    this.#bytesLeft -= bytes;
    return this.#bytesLeft === 0 ? writer.finish() : undefined;
  }

  async #readWidened(from: number, bytes: number): Promise<Float32Array> {
    const stored = new Uint8Array(bytes);
    await this.#checkpoint.read(this.name, from, stored);
    const { values, largest } = widen(stored, this.#checkpoint.tensors.get(this.name)!.dtype);
    this.#validate(largest);
    return values;
  }

  #validate(largest: number): void {
    if (!Number.isFinite(largest))
      throw new BadModel(`The tensor ${this.name} holds NaN or infinite weights; the file is damaged.`);
    if (this.#spec.role !== 'vector' && this.#spec.role !== 'bias' && largest > LARGEST_WEIGHT[this.#format]) {
      const { name } = this;
      const format = this.#format;
      throw new BadModel(`The tensor ${name} holds a weight of ${largest.toPrecision(3)}, too large for ${format}.`);
    }
  }
}
