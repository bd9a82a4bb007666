import type { Ops, Tensor, WeightWriter } from '../../kernels/ops.ts';
import { decodeRows } from '../../kernels/stored/decodeRows.ts';
import { PRIORITY, type Scheduler } from '../inference/scheduler.ts';
import type { WeightSpec } from '../models/decoder.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { checkLargest } from './checkLargest.ts';
import { reorderRows } from './rowOrder.ts';
import { type StoredPiece, storedPieces } from './storedPieces.ts';

/** Bytes read at a time: many rows of any model, yet little beside it, even though each of a backend's memories holds some. */
const CHUNK_BYTES = 2 << 20;

/** Consecutive rows of a piece, or a whole vector. */
export interface Chunk {
  readonly load: TensorLoad;
  readonly piece: StoredPiece;
  /** Byte of the stored tensor at which they begin. */
  readonly from: number;
  readonly bytes: number;
}

/** One tensor on its way from a checkpoint, which may store it in pieces, to a backend. */
export class TensorLoad {
  readonly name: string;
  /** Size as stored. */
  readonly bytes: number;
  readonly #ops: Ops;
  readonly #checkpoint: Checkpoint;
  readonly #spec: WeightSpec;
  readonly #pieces: readonly StoredPiece[];
  #writer: WeightWriter | undefined;
  #bytesLeft: number;

  readonly #turns: Scheduler | undefined;

  /** The checkpoint has been compared with the tensor (compare in storedPieces.ts). Packing takes `turns`. */
  constructor(ops: Ops, checkpoint: Checkpoint, spec: WeightSpec, turns?: Scheduler) {
    this.#turns = turns;
    this.#ops = ops;
    this.#checkpoint = checkpoint;
    this.#spec = spec;
    this.#pieces = storedPieces(checkpoint, spec);
    this.name = spec.name;
    this.bytes = this.#bytesLeft = this.#pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Uploaded as a whole. */
  get #isVector(): boolean {
    return this.#spec.role === 'vector' || this.#spec.role === 'bias';
  }

  /** The name of the stored tensor with its first rows. */
  get firstStored(): string {
    return this.#pieces[0]!.name;
  }

  /** All rows, in order. Rows that change places lie in the same chunk. */
  *chunks(): Generator<Chunk> {
    if (this.#isVector) {
      yield { load: this, piece: this.#pieces[0]!, from: 0, bytes: this.bytes };
      return;
    }
    for (const piece of this.#pieces) {
      const unit = piece.rowBytes * (piece.headOrder?.length ?? 1);
      const most = Math.max(1, Math.floor(CHUNK_BYTES / unit)) * unit;
      const end = piece.from + piece.bytes;
      for (let from = piece.from; from < end; from += most) {
        yield { load: this, piece, from, bytes: Math.min(most, end - from) };
      }
    }
  }

  /**
   * Loads a chunk. To be called for all of them, in order; calls may overlap. The call that ends last resolves with the
   * tensor, the others with undefined. Rejects with BadModel where a value is not finite or beyond the range of the
   * tensor's format.
   */
  async take({ piece, from, bytes }: Chunk): Promise<Tensor | undefined> {
    const { shape, format, layer } = this.#spec;
    if (this.#isVector) return this.#ops.upload(await this.#readVector(), shape, layer);
    this.#writer ??= this.#ops.createWeight(shape as readonly [number, number], format, layer);
    const writer = this.#writer;
    const largest = await this.#inTurn((turn) =>
      writer.writeStored(bytes, piece.dtype, async (into) => {
        await this.#read(piece, from, into);
        await turn();
      }),
    );
    checkLargest(piece.name, largest, this.#spec.format);
    this.#bytesLeft -= bytes;
    return this.#bytesLeft === 0 ? this.#writer.finish() : undefined;
  }

  /** Runs `job`, which has its turn among the steps of all models from the call of its argument on. */
  async #inTurn<T>(job: (turn: () => Promise<void>) => Promise<T>): Promise<T> {
    const turns = this.#turns;
    if (!turns) return job(async () => {});
    let end = (): void => {};
    const turn = (): Promise<void> =>
      new Promise((begin) => {
        void turns.run(PRIORITY.chat, () => {
          begin();
          return new Promise<void>((resolve) => (end = resolve));
        });
      });
    try {
      return await job(turn);
    } finally {
      end();
    }
  }

  /** Fills `into` with stored rows in the order in which the decoder needs them. */
  async #read({ name, rowBytes, headOrder }: StoredPiece, from: number, into: Uint8Array): Promise<void> {
    if (!headOrder) return this.#checkpoint.read(name, from, into);
    const stored = new Uint8Array(into.length);
    await this.#checkpoint.read(name, from, stored);
    reorderRows(stored, rowBytes, headOrder, into);
  }

  async #readVector(): Promise<Float32Array> {
    const vector = new Float32Array(this.#spec.shape.reduce((a, b) => a * b, 1));
    let at = 0;
    for (const piece of this.#pieces) {
      const stored = new Uint8Array(piece.bytes);
      await this.#read(piece, piece.from, stored);
      const { values, largest } = decodeRows(stored, piece.dtype);
      checkLargest(piece.name, largest, this.#spec.format);
      vector.set(values, at);
      at += values.length;
    }
    return vector;
  }
}
