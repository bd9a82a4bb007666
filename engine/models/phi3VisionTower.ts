import type { Ops, Tensor } from '../../kernels/ops.ts';
import { ClipEncoder, Linear } from '../layers/clipEncoder.ts';
import { CROP_SIDE, PATCHES, PATCHES_ACROSS, PATCH_VALUES } from '../layers/patches.ts';
import type { Weights } from '../layers/weights.ts';
import { clipTensors, linear } from './clipTensors.ts';
import type { ImageTower, TensorSpec } from './decoder.ts';
import type { Phi3VisionConfig } from './phi3Vision.ts';

const VISION = 'model.vision_embed_tokens.';
const CLIP = `${VISION}img_processor.vision_model.`;

/**
 * The image encoder of phi-3-vision: CLIP, and the projection of its features into the decoder's. Reference:
 * `Phi3ImageEmbedding` in image_embedding_phi3_v.py.
 */
export class Phi3VisionTower implements ImageTower {
  readonly #clip: ClipEncoder;
  readonly #project1: Linear; // (hidden, 4 width)
  readonly #project2: Linear; // (hidden, hidden)
  readonly #rowEnd: Tensor; // (1, 4 width): sub_GN
  readonly #globalStart: Tensor; // (1, 4 width): glb_GN

  constructor({ clip }: Phi3VisionConfig, weights: Weights) {
    this.#clip = new ClipEncoder(clip, weights.at(CLIP));
    const vision = weights.at(VISION);
    this.#project1 = new Linear(vision.at('img_projection.0.'));
    this.#project2 = new Linear(vision.at('img_projection.2.'));
    this.#rowEnd = vision.get('sub_GN');
    this.#globalStart = vision.get('glb_GN');
  }

  prepare(ops: Ops): Promise<void> {
    return this.#clip.prepare(ops);
  }

  encodeCrop(ops: Ops, patches: Float32Array): Tensor {
    return this.#project(ops, ops.gatherRows(this.#clip.forward(ops, patches), BY_FOUR, 4)); // (CROP_SIDE^2, hidden)
  }

  separators(ops: Ops): Tensor {
    const both = ops.input(new Float32Array(2 * this.#rowEnd.shape[1]!), [2, this.#rowEnd.shape[1]!]);
    const first = ops.replaceRows(both, 0, this.#rowEnd);
    return this.#project(ops, ops.replaceRows(first, 1, this.#globalStart)); // (2, hidden)
  }

  #project(ops: Ops, x: Tensor): Tensor {
    return this.#project2.forward(ops, ops.gelu(this.#project1.forward(ops, x), 'erf'));
  }

  /** The tensors that a checkpoint of this configuration contains beside the decoder's. */
  static tensors({ hiddenSize, layers, clip }: Phi3VisionConfig): TensorSpec[] {
    const positionValues = 4 * clip.width;
    const separator = (name: string, ones: number): TensorSpec => {
      const storedShape = [...new Array<number>(ones).fill(1), positionValues];
      return { name: `${VISION}${name}`, shape: [1, positionValues], storedShape, role: 'vector' };
    };
    return [
      ...clipTensors(clip, CLIP, layers),
      separator('glb_GN', 2),
      separator('sub_GN', 3),
      ...linear(`${VISION}img_projection.0`, hiddenSize, positionValues),
      ...linear(`${VISION}img_projection.2`, hiddenSize, hiddenSize),
    ];
  }

  /** What encoding a crop holds at once at most beside the weights, in bytes, roughly. */
  static stepBytes({ clip }: Phi3VisionConfig): number {
    const { width, intermediateSize } = clip;
    return 4 * (1 + PATCHES) * (PATCH_VALUES + 10 * width + intermediateSize);
  }
}

/** The rows of a crop's features by positions: of each two by two patches. Row 0 is CLIP's own. */
const BY_FOUR: readonly number[] = Array.from({ length: PATCHES }, (_, i) => {
  const [position, patch] = [Math.floor(i / 4), i % 4];
  const y = 2 * Math.floor(position / CROP_SIDE) + Math.floor(patch / 2);
  const x = 2 * (position % CROP_SIDE) + (patch % 2);
  return 1 + y * PATCHES_ACROSS + x;
});
