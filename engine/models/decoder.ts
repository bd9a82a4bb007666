import type { KvView, Ops, Tensor, WeightDType } from '../../kernels/ops.ts';

/** The properties of every decoder; each architecture adds its own. */
export interface DecoderConfig extends RopeConfig {
  readonly name: string;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly maxPositions: number;
  /** Whether the embedding table is also the head; then no lm_head tensor is stored. */
  readonly tied: boolean;
  /** The order of a fill-in-the-middle prompt. This key is our own, for models that we trained. */
  readonly fimOrder: 'psm' | 'spm';
  /** How a chat model is asked to complete, where that is not left to its size. This key is our own, too. */
  readonly completionPrompt?: 'instruct' | 'base' | undefined;
}

/** How queries and keys are rotated by their positions. */
export interface RopeConfig {
  readonly ropeTheta: number;
  /** The first dimensions of a head, which are rotated; the others pass unchanged. */
  readonly rotaryDim: number;
  /** Divisors of the frequencies at any length, rotaryDim / 2; null where there are none or LongRoPE has its own. */
  readonly ropeFactors: readonly number[] | null;
  /** Positions are multiplied by this, unless LongRoPE is used. */
  readonly ropePositionScale: number;
  /** The length up to which the short LongRoPE factors apply. */
  readonly originalMaxPositions: number;
  readonly longRope: LongRope | null;
}

export interface LongRope {
  /** Divisors of the frequencies, rotaryDim / 2 each. */
  readonly shortFactor: readonly number[];
  readonly longFactor: readonly number[];
  /** Factors of cosines and sines. */
  readonly shortMagnitude: number;
  readonly longMagnitude: number;
}

export interface Decoder {
  readonly config: DecoderConfig;
  /**
   * Number of positions that an image takes: the rows of its features. undefined where no features are loaded for this
   * key. Absent in models that take no images.
   */
  readonly imageLength?: (key: string) => number | undefined;
  /**
   * (tokens, hidden): the embeddings of token ids, and at the positions of images the rows of their features. Negative
   * ids are positions of images.
   */
  embed(ops: Ops, ids: readonly number[], images: readonly ImageRows[]): Tensor;
  /**
   * (last, vocabulary): the logits of the last `last` of the embedded tokens, whose keys and values go to `kv`. With
   * last 0, as in all but the last chunk of a prefill, the head is not computed and the newest hidden state returned.
   */
  forward(ops: Ops, embeddings: Tensor, kv: KvView, options: ForwardOptions): Tensor;
}

/** A decoder that takes the features of images. */
export interface ImageDecoder extends Decoder {
  readonly imageLength: (key: string) => number | undefined;
  /** Takes the features of a picture, (positions, hidden), for prompts with this key. */
  setImage(key: string, features: Float32Array): void;
  forgetImage(key: string): void;
}

/** What computes the features of images, from weights of its own. */
export interface ImageTower {
  /** Takes the memory that encoding needs. To be called before encodeCrop, outside of a step. Rejects with OutOfMemory. */
  prepare(ops: Ops): Promise<void>;
  /** (positions, hidden): the features of one crop, whose patches are (patches, values). */
  encodeCrop(ops: Ops, patches: Float32Array): Tensor;
  /** (2, hidden): what stands at the end of a row of positions, and what stands before the global view. */
  separators(ops: Ops): Tensor;
}

export function takesImages(decoder: Decoder): decoder is ImageDecoder {
  return decoder.imageLength !== undefined;
}

/** Rows of an image's features that fall into one step. */
export interface ImageRows {
  readonly key: string;
  /** Their first position among the ids of the step. */
  readonly at: number;
  /** The first row. */
  readonly first: number;
  readonly length: number;
}

export interface ForwardOptions {
  readonly last: number;
  /** Length that the sequence reaches with this prefill, which selects the LongRoPE factors. */
  readonly totalLength: number;
}

/** A tensor that a decoder needs. A matrix is (out, in). */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * vector and bias: held in f32, whatever their shape. encoder: a matrix of an image encoder. unused: a checkpoint has
   * it, but it is not loaded.
   */
  readonly role: 'embedding' | 'matrix' | 'encoder' | 'vector' | 'bias' | 'unused';
  /** The shape in a checkpoint, where it is written in another way. */
  readonly storedShape?: readonly number[];
  /** The decoder layer it belongs to. */
  readonly layer?: number;
  /** Its rows in order, where a checkpoint may store them as tensors of their own or in another order. */
  readonly parts?: readonly TensorPart[];
}

/** Consecutive rows of a tensor. */
export interface TensorPart {
  /** The name under which they are stored where they are a tensor of their own. */
  readonly name: string;
  readonly rows: number;
  /** Where the rows are heads in another order: row i of a head is row headOrder[i] of a stored head. */
  readonly headOrder?: readonly number[] | undefined;
}

/** A tensor with the format in which a backend keeps it. */
export interface WeightSpec extends TensorSpec {
  readonly format: WeightDType;
}
