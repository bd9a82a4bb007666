import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import { ClipEncoder, Linear } from '../layers/clipEncoder.ts';
import { CROP_SIDE, PATCHES, PATCHES_ACROSS } from '../layers/patches.ts';
import type { Weights } from '../layers/weights.ts';
import type { ClipConfig } from './clipConfig.ts';
import { clipTensors, linear } from './clipTensors.ts';
import type { ForwardOptions, ImageDecoder, ImageRows, TensorSpec } from './decoder.ts';
import { Llama } from './llama.ts';
import type { LlamaConfig } from './llamaConfig.ts';

export interface Phi3VisionConfig extends LlamaConfig {
  readonly clip: ClipConfig;
}

const VISION = 'model.vision_embed_tokens.';
const CLIP = `${VISION}img_processor.vision_model.`;

/**
 * phi-3-vision: the decoder of phi-3-mini, and CLIP in front of it. Reference: `Phi3VForCausalLM` in modeling_phi3_v.py
 * and `Phi3ImageEmbedding` in image_embedding_phi3_v.py.
 */
export class Phi3Vision implements ImageDecoder {
  readonly #text: Llama;
  readonly #clip: ClipEncoder;
  readonly #project1: Linear; // (hidden, 4 width)
  readonly #project2: Linear; // (hidden, hidden)
  readonly #rowEnd: Tensor; // (1, 4 width): sub_GN
  readonly #globalStart: Tensor; // (1, 4 width): glb_GN
  /** The features of pictures by their key, (positions, hidden). */
  readonly #features = new Map<string, Float32Array>();

  constructor(
    readonly config: Phi3VisionConfig,
    weights: Weights,
  ) {
    this.#text = new Llama(config, weights);
    this.#clip = new ClipEncoder(config.clip, weights.at(CLIP));
    const vision = weights.at(VISION);
    this.#project1 = new Linear(vision.at('img_projection.0.'));
    this.#project2 = new Linear(vision.at('img_projection.2.'));
    this.#rowEnd = vision.get('sub_GN');
    this.#globalStart = vision.get('glb_GN');
  }

  prepareEncoder(ops: Ops): Promise<void> {
    return this.#clip.prepare(ops);
  }

  restEncoder(): void {
    this.#clip.rest();
  }

  encodeCrop(ops: Ops, patches: Float32Array): Tensor {
    return this.#project(ops, ops.gatherRows(this.#clip.forward(ops, patches), BY_FOUR, 4)); // (CROP_SIDE^2, hidden)
  }

  separators(ops: Ops): Tensor {
    const both = ops.input(new Float32Array(2 * this.#rowEnd.shape[1]!), [2, this.#rowEnd.shape[1]!]);
    const first = ops.replaceRows(both, 0, this.#rowEnd);
    return this.#project(ops, ops.replaceRows(first, 1, this.#globalStart)); // (2, hidden)
  }

  setImage(key: string, features: Float32Array): void {
    this.#features.set(key, features);
  }

  forgetImage(key: string): void {
    this.#features.delete(key);
  }

  imageLength(key: string): number | undefined {
    const features = this.#features.get(key);
    return features && features.length / this.config.hiddenSize;
  }

  embed(ops: Ops, ids: readonly number[], images: readonly ImageRows[]): Tensor {
    const { hiddenSize } = this.config;
    const known = images.length === 0 ? ids : ids.map((id) => Math.max(0, id));
    let x = this.#text.embed(ops, known); // (tokens, hidden)
    for (const { key, at, first, length } of images) {
      const rows = this.#features.get(key)!.subarray(first * hiddenSize, (first + length) * hiddenSize);
      x = ops.replaceRows(x, at, ops.input(rows, [length, hiddenSize]));
    }
    return x;
  }

  forward(ops: Ops, embeddings: Tensor, kv: KvView, options: ForwardOptions): Tensor {
    return this.#text.forward(ops, embeddings, kv, options);
  }

  #project(ops: Ops, x: Tensor): Tensor {
    return this.#project2.forward(ops, ops.gelu(this.#project1.forward(ops, x), 'erf'));
  }

  /** The tensors that a checkpoint of this configuration contains. */
  static tensors(config: Phi3VisionConfig): TensorSpec[] {
    const { hiddenSize, layers, clip } = config;
    const positionValues = 4 * clip.width;
    const separator = (name: string, ones: number): TensorSpec => {
      const storedShape = [...new Array<number>(ones).fill(1), positionValues];
      return { name: `${VISION}${name}`, shape: [1, positionValues], storedShape, role: 'vector' };
    };
    return [
      ...Llama.tensors(config),
      ...clipTensors(clip, CLIP, layers),
      separator('glb_GN', 2),
      separator('sub_GN', 3),
      ...linear(`${VISION}img_projection.0`, hiddenSize, positionValues),
      ...linear(`${VISION}img_projection.2`, hiddenSize, hiddenSize),
    ];
  }
}

/** The rows of a crop's features by positions: of each two by two patches. Row 0 is CLIP's own. */
const BY_FOUR: readonly number[] = Array.from({ length: PATCHES }, (_, i) => {
  const [position, patch] = [Math.floor(i / 4), i % 4];
  const y = 2 * Math.floor(position / CROP_SIDE) + Math.floor(patch / 2);
  const x = 2 * (position % CROP_SIDE) + (patch % 2);
  return 1 + y * PATCHES_ACROSS + x;
});
