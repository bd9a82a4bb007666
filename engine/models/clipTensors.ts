import { PATCHES, PATCH_SIZE, PATCH_VALUES } from '../layers/patches.ts';
import type { ClipConfig } from './clipConfig.ts';
import type { TensorSpec } from './decoder.ts';

/** The tensors of a CLIP image encoder below `at`. `firstLayer` numbers its layers behind those of the decoder. */
export function clipTensors(config: ClipConfig, at: string, firstLayer: number): TensorSpec[] {
  const { width, layers, intermediateSize } = config;
  return [
    vector(`${at}embeddings.class_embedding`, width),
    {
      name: `${at}embeddings.patch_embedding.weight`,
      shape: [width, PATCH_VALUES],
      storedShape: [width, 3, PATCH_SIZE, PATCH_SIZE],
      role: 'encoder',
      layer: firstLayer,
    },
    { name: `${at}embeddings.position_embedding.weight`, shape: [1 + PATCHES, width], role: 'vector' },
    ...norm(`${at}pre_layrnorm`, width),
    ...Array.from({ length: layers - 1 }, (_, n) =>
      layerTensors(`${at}encoder.layers.${n}.`, { width, intermediateSize, layer: firstLayer + n }),
    ).flat(),
    ...unusedTensors(config, at),
  ];
}

function layerTensors(
  at: string,
  { width, intermediateSize, layer }: { width: number; intermediateSize: number; layer: number },
): TensorSpec[] {
  const qkv = ['q_proj', 'k_proj', 'v_proj'].map((name) => `${at}self_attn.${name}`);
  return [
    ...norm(`${at}layer_norm1`, width, layer),
    ...linear(`${at}self_attn.qkv_proj`, 3 * width, width, layer, qkv),
    ...linear(`${at}self_attn.out_proj`, width, width, layer),
    ...norm(`${at}layer_norm2`, width, layer),
    ...linear(`${at}mlp.fc1`, intermediateSize, width, layer),
    ...linear(`${at}mlp.fc2`, width, intermediateSize, layer),
  ];
}

/** The last layer and the norm behind it, whose results the decoder does not see. */
function unusedTensors({ width, layers, intermediateSize }: ClipConfig, at: string): TensorSpec[] {
  const last = `${at}encoder.layers.${layers - 1}.`;
  const projections = ['q_proj', 'k_proj', 'v_proj', 'out_proj'];
  const all = [
    ...norm(`${at}post_layernorm`, width),
    ...norm(`${last}layer_norm1`, width),
    ...projections.flatMap((name) => linear(`${last}self_attn.${name}`, width, width)),
    ...norm(`${last}layer_norm2`, width),
    ...linear(`${last}mlp.fc1`, intermediateSize, width),
    ...linear(`${last}mlp.fc2`, width, intermediateSize),
  ];
  return all.map((spec) => ({ ...spec, role: 'unused' }));
}

/** A product with a bias, whose rows may be stored in equal parts. */
export function linear(
  name: string,
  out: number,
  inputs: number,
  layer?: number,
  parts: readonly string[] = [name],
): TensorSpec[] {
  const of = (suffix: string, shape: number[], role: 'encoder' | 'bias'): TensorSpec => {
    const named = parts.map((part) => ({ name: `${part}.${suffix}`, rows: out / parts.length }));
    return { name: `${name}.${suffix}`, shape, role, parts: named, ...where(layer) };
  };
  return [of('weight', [out, inputs], 'encoder'), of('bias', [out], 'bias')];
}

function norm(name: string, width: number, layer?: number): TensorSpec[] {
  return ['weight', 'bias'].map((suffix) => vector(`${name}.${suffix}`, width, layer));
}

function vector(name: string, width: number, layer?: number): TensorSpec {
  return { name, shape: [width], role: 'vector', ...where(layer) };
}

function where(layer: number | undefined): { layer?: number } {
  return layer === undefined ? {} : { layer };
}
