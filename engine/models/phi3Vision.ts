import type { KvView, Ops, Tensor } from '../../kernels/ops.ts';
import type { Weights } from '../layers/weights.ts';
import type { ClipConfig } from './clipConfig.ts';
import type { ForwardOptions, ImageDecoder, ImageRows } from './decoder.ts';
import { Llama } from './llama.ts';
import type { LlamaConfig } from './llamaConfig.ts';

export interface Phi3VisionConfig extends LlamaConfig {
  readonly clip: ClipConfig;
}

/**
 * phi-3-vision behind its image encoder (phi3VisionTower.ts): the decoder of phi-3-mini. Reference: `Phi3VForCausalLM` in
 * modeling_phi3_v.py.
 */
export class Phi3Vision implements ImageDecoder {
  readonly #text: Llama;
  /** The features of pictures by their key, (positions, hidden). */
  readonly #features = new Map<string, Float32Array>();

  constructor(
    readonly config: Phi3VisionConfig,
    weights: Weights,
  ) {
    this.#text = new Llama(config, weights);
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
}
