import * as z from 'zod';
import { parseConfig, positive, require } from './config.ts';

/** The sizes of a CLIP image encoder. */
export interface ClipConfig {
  readonly width: number;
  readonly heads: number;
  readonly headDim: number;
  /** Layers in the checkpoint; the last is not computed. */
  readonly layers: number;
  readonly intermediateSize: number;
}

const HEAD_DIM = 64;

/** Everything else would be another encoder, or another order of its features, and is refused. */
const SCHEMA = z.object({
  img_processor: z.strictObject({
    name: z.literal('clip_vision_model'),
    model_name: z.literal('openai/clip-vit-large-patch14-336').optional(),
    image_dim_out: positive,
    num_img_tokens: z.literal(144),
    layer_idx: z.literal(-2).optional(),
    type_feature: z.literal('patch').optional(),
    // Not in released models, whose sizes are those of CLIP ViT-L/14: for small models of tests.
    tiny_num_attention_heads: positive.optional(),
    tiny_num_hidden_layers: positive.min(2).default(24),
    tiny_intermediate_size: positive.default(4096),
  }),
  embd_layer: z.strictObject({
    embedding_cls: z.literal('image'),
    hd_transform_order: z.literal('sub_glb'),
    projection_cls: z.literal('mlp'),
    use_hd_transform: z.literal(true),
    with_learnable_separator: z.literal(true),
  }),
});

/** The keys of config.json that parseClipConfig understands. */
export const CLIP_KEYS: ReadonlySet<string> = new Set(Object.keys(SCHEMA.shape));

/** Reads the image encoder of phi-3-vision from a parsed config.json. Throws BadModel, in one sentence. */
export function parseClipConfig(json: unknown): ClipConfig {
  const { img_processor: raw } = parseConfig(SCHEMA, json);
  const width = raw.image_dim_out;
  const heads = raw.tiny_num_attention_heads ?? width / HEAD_DIM;
  require(heads * HEAD_DIM === width, `img_processor.image_dim_out ${width} is not ${heads} heads of ${HEAD_DIM}`);
  return {
    width,
    heads,
    headDim: HEAD_DIM,
    layers: raw.tiny_num_hidden_layers,
    intermediateSize: raw.tiny_intermediate_size,
  };
}
