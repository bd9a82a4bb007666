import { type KvDType, OutOfMemory, PAGE_TOKENS } from '../../kernels/ops.ts';
import { BadRequest } from '../errors.ts';
import { chooseKvDtype } from '../inference/kvDtype.ts';
import { CROP_SIDE, PATCHES, PATCH_VALUES } from '../layers/patches.ts';
import type { Blueprint } from '../models/architectures.ts';
import type { DecoderConfig, WeightSpec } from '../models/decoder.ts';
import { weightBytes } from './weightFormats.ts';

export interface MemoryWishes {
  /** Memory that the backend could still allocate; Infinity where only an allocation can tell. */
  readonly freeBytes: number;
  /** The most pages of a KV cache in a format that the backend can address; Infinity by default. */
  readonly mostKvPages?: (kv: KvDType) => number;
  /** Number of prompt tokens per step. */
  readonly chunkTokens: number;
  /** What seeing a picture takes beside weights; 0 by default. */
  readonly imageBytes?: number;
  /** The longest context; by default the model's, or what fits. */
  readonly contextLength?: number | undefined;
  /** Format of the KV cache; by default by its size. */
  readonly kv?: KvDType | undefined;
}

/** How a model will use memory. */
export interface MemoryPlan {
  readonly contextLength: number;
  readonly kv: KvDType;
  /** What a step and a picture take beside weights and KV cache. */
  readonly scratchBytes: number;
  /** Says why the context is shorter than the model's; undefined where it is not. */
  readonly note: string | undefined;
}

/** A context below this, or below the model's own, is of no use: the model is refused instead. */
const LEAST_CONTEXT = 2048;

/**
 * Foresees the memory of a model before it is loaded: weights in their formats, the KV cache of the whole context, and
 * the scratch memory of a step. Throws OutOfMemory, in one sentence with the sizes and the longest context that fits,
 * where they do not fit; without a wish the context is shortened instead. Throws BadRequest where the wish is longer
 * than the model's context.
 */
export function planMemory(
  config: DecoderConfig,
  specs: readonly WeightSpec[],
  {
    freeBytes,
    mostKvPages = () => Infinity,
    chunkTokens,
    imageBytes = 0,
    contextLength: wish,
    kv: kvWish,
  }: MemoryWishes,
): MemoryPlan {
  const { maxPositions, layers, kvHeads, headDim } = config;
  if (wish !== undefined && wish > maxPositions)
    throw new BadRequest(`A context of ${wish} tokens was asked for, but the model's is ${maxPositions}.`);
  const wanted = wish ?? maxPositions;
  const weights = weightBytes(specs);
  const scratch = stepBytes(config, chunkTokens) + imageBytes;
  const plan = { scratchBytes: scratch };
  const forKv = freeBytes - weights - scratch;
  const bySize = kvWish ?? chooseKvDtype({ layers, kvHeads, headDim, contextLength: wanted, freeBytes: forKv });
  const kv = !kvWish && PAGE_TOKENS * mostKvPages(bySize) < wanted ? 'q8' : bySize;
  const pageBytes = kvPageBytes(config, kv);
  const most = PAGE_TOKENS * Math.max(0, Math.floor(forKv / pageBytes));
  const needed = weights + scratch + Math.ceil(wanted / PAGE_TOKENS) * pageBytes;
  const addressable = PAGE_TOKENS * mostKvPages(kv);
  if (addressable < Math.min(wanted, most)) {
    if (wish === undefined) {
      const note = `The context is limited to ${addressable} of ${wanted} tokens, the longest that this device can address.`;
      return { ...plan, contextLength: addressable, kv, note };
    }
    const limit = `the longest that this device can address has ${addressable}`;
    throw new OutOfMemory(needed, `A context of ${wish} tokens was asked for, but ${limit}.`);
  }
  if (wanted <= most) return { ...plan, contextLength: wanted, kv, note: undefined };
  const sizes = `the weights take ${gigabytes(weights)}, a context of ${wanted} tokens ${gigabytes(
    needed - weights - scratch,
  )} and a step ${imageBytes > 0 ? 'with a picture ' : ''}${gigabytes(scratch)}, but ${gigabytes(freeBytes)} of memory are free`;
  const fits = `the longest context that fits has ${most} tokens`;
  if (wish === undefined && most >= Math.min(LEAST_CONTEXT, maxPositions))
    return {
      ...plan,
      contextLength: most,
      kv,
      note: `The context is limited to ${most} of ${wanted} tokens: ${sizes}.`,
    };
  const way = most >= PAGE_TOKENS ? fits : 'close other programs, or choose a smaller model';
  throw new OutOfMemory(needed, `The model does not fit into memory: ${sizes}; ${way}.`);
}

/** What a model with this plan takes at most: weights, KV cache of the whole context, and the scratch memory of a step. */
export function plannedBytes(
  config: DecoderConfig,
  specs: readonly WeightSpec[],
  { contextLength, kv, scratchBytes }: MemoryPlan,
): number {
  const pages = Math.ceil(contextLength / PAGE_TOKENS);
  return weightBytes(specs) + pages * kvPageBytes(config, kv) + scratchBytes;
}

/** What a picture takes at most: a step of its image encoder, its patches and its features. 0 without an image encoder. */
export function imageBytes({ config, tower }: Blueprint, mostCrops: number): number {
  if (!tower) return 0;
  const crops = 1 + mostCrops;
  const positions = 1 + crops * (CROP_SIDE + 1) * CROP_SIDE;
  return tower.stepBytes + 4 * (crops * PATCHES * PATCH_VALUES + positions * config.hiddenSize);
}

/** Size of a page of keys and values of all layers (see KvDType). */
export function kvPageBytes({ layers, kvHeads, headDim }: DecoderConfig, kv: KvDType): number {
  const headBytes = { f32: 4 * headDim, f16: 2 * headDim, q8: headDim + 4 }[kv];
  return 2 * PAGE_TOKENS * layers * kvHeads * headBytes;
}

/** What a prefill step holds at once at most, roughly: the activations of a layer and the logits of a few tokens. */
function stepBytes(config: DecoderConfig, chunkTokens: number): number {
  const { hiddenSize, heads, kvHeads, headDim, vocabSize } = config;
  const intermediate = 'intermediateSize' in config ? (config.intermediateSize as number) : 4 * hiddenSize;
  const perToken = 4 * hiddenSize + 2 * (heads + 2 * kvHeads) * headDim + 4 * intermediate;
  return 4 * (chunkTokens * perToken + 8 * vocabSize);
}

/** A size for people. */
export function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${Math.ceil(bytes / 1e5) / 10} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
