import type { KvPool, KvView, Ops, Tensor } from '../../kernels/ops.ts';
import { PAGE_TOKENS } from '../../kernels/ops.ts';
import type { ClipConfig } from '../models/clipConfig.ts';
import { PATCHES, PATCH_VALUES } from './patches.ts';
import type { Weights } from './weights.ts';

/** CLIP's own token stands before the patches. */
const TOKENS = 1 + PATCHES;
const EPS = 1e-5;

/**
 * CLIP ViT-L/14-336 up to the layer before the last. Reference: `CLIPVisionTransformer` in modeling_clip.py with
 * hidden state -2, as `Phi3ImageEmbedding` in image_embedding_phi3_v.py reads it.
 */
export class ClipEncoder {
  readonly #patches: Tensor; // (width, PATCH_VALUES)
  readonly #classEmbedding: Tensor; // (width)
  readonly #positions: Tensor; // (TOKENS, width)
  readonly #preNorm: Norm;
  readonly #layers: ClipLayer[];

  readonly #config: ClipConfig;
  /** Attention needs keys and values in a pool, although nothing of them outlives a step. */
  #pool: KvPool | undefined;

  constructor(config: ClipConfig, weights: Weights) {
    this.#config = config;

    this.#patches = weights.get('embeddings.patch_embedding.weight');
    this.#classEmbedding = weights.get('embeddings.class_embedding');
    this.#positions = weights.get('embeddings.position_embedding.weight');
    this.#preNorm = new Norm(weights.at('pre_layrnorm.'));
    const computed = config.layers - 1;
    this.#layers = Array.from(
      { length: computed },
      (_, n) => new ClipLayer(config, weights.at(`encoder.layers.${n}.`)),
    );
  }

  /** To be called before `forward`. Rejects with OutOfMemory. */
  async prepare(ops: Ops): Promise<void> {
    const { heads: kvHeads, headDim } = this.#config;
    this.#pool ??= ops.createKvPool({ layers: 1, kvHeads, headDim, dtype: 'f32' });
    await this.#pool.grow(Math.ceil(TOKENS / PAGE_TOKENS));
  }

  /** The features of the patches of a crop: (PATCHES, PATCH_VALUES) -> (TOKENS, width), the first of which is CLIP's own. */
  forward(ops: Ops, patches: Float32Array): Tensor {
    const { headDim } = this.#config;
    const pool = this.#pool!;
    // The row of CLIP's token is zero, and replaced by its embedding.
    const values = new Float32Array(TOKENS * PATCH_VALUES);
    values.set(patches, PATCH_VALUES);
    const embedded = ops.linear(ops.input(values, [TOKENS, PATCH_VALUES]), this.#patches, {
      residual: this.#positions,
    });
    const own = ops.linear(ops.input(new Float32Array(PATCH_VALUES), [1, PATCH_VALUES]), this.#patches, {
      bias: this.#classEmbedding,
      residual: ops.gatherRows(this.#positions, [0]),
    });
    let x = this.#preNorm.forward(ops, ops.replaceRows(embedded, 0, own)); // (TOKENS, width)
    const kv = { pool, pages: [...Array(pool.capacity).keys()], length: 0 };
    const unrotated = ops.input(noRotation(headDim), [TOKENS, headDim]);
    for (const layer of this.#layers) x = layer.forward(ops, x, unrotated, kv);
    return x;
  }
}

class ClipLayer {
  readonly #norm1: Norm;
  readonly #qkv: Linear; // (3 width, width)
  readonly #out: Linear; // (width, width)
  readonly #norm2: Norm;
  readonly #fc1: Linear; // (intermediate, width)
  readonly #fc2: Linear; // (width, intermediate)

  readonly #config: ClipConfig;

  constructor(config: ClipConfig, weights: Weights) {
    this.#config = config;

    this.#norm1 = new Norm(weights.at('layer_norm1.'));
    this.#qkv = new Linear(weights.at('self_attn.qkv_proj.'));
    this.#out = new Linear(weights.at('self_attn.out_proj.'));
    this.#norm2 = new Norm(weights.at('layer_norm2.'));
    this.#fc1 = new Linear(weights.at('mlp.fc1.'));
    this.#fc2 = new Linear(weights.at('mlp.fc2.'));
  }

  /** (TOKENS, width) -> the same shape. */
  forward(ops: Ops, x: Tensor, unrotated: Tensor, kv: KvView): Tensor {
    const { heads, headDim } = this.#config;
    const shape = { heads, kvHeads: heads, headDim };
    const qkv = this.#qkv.forward(ops, this.#norm1.forward(ops, x)); // (TOKENS, 3 width)
    const q = ops.appendKv(qkv, unrotated, kv, 0, { ...shape, order: 'byKind' });
    const options = { ...shape, scale: 1 / Math.sqrt(headDim), window: TOKENS, bidirectional: true };
    const attended = this.#out.forward(ops, ops.attention(q, kv, 0, options), x);
    const wide = this.#fc1.forward(ops, this.#norm2.forward(ops, attended)); // (TOKENS, intermediate)
    return this.#fc2.forward(ops, ops.gelu(wide, 'quick'), attended);
  }
}

class Norm {
  readonly #weight: Tensor;
  readonly #bias: Tensor;

  constructor(weights: Weights) {
    this.#weight = weights.get('weight');
    this.#bias = weights.get('bias');
  }

  forward(ops: Ops, x: Tensor): Tensor {
    return ops.layerNorm(x, this.#weight, this.#bias, EPS);
  }
}

/** A product with a bias. */
export class Linear {
  readonly #weight: Tensor;
  readonly #bias: Tensor;

  constructor(weights: Weights) {
    this.#weight = weights.get('weight');
    this.#bias = weights.get('bias');
  }

  forward(ops: Ops, x: Tensor, residual?: Tensor): Tensor {
    return ops.linear(x, this.#weight, { bias: this.#bias, residual });
  }
}

/** Rope tables that leave q and k as they are: cosines 1, sines 0. */
function noRotation(headDim: number): Float32Array {
  return Float32Array.from({ length: TOKENS * headDim }, (_, i) => (i % headDim < headDim / 2 ? 1 : 0));
}
