import { OutOfMemory, PAGE_TOKENS } from '../../kernels/ops.ts';
import type { StoredType } from '../../kernels/stored/storedTypes.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { type MemoryPlan, imageBytes, kvPageBytes, planMemory, plannedBytes } from './memoryPlan.ts';
import { CHUNK_TOKENS } from './openBackend.ts';
import { openModel } from './openModel.ts';
import { storesHead } from './tiedHead.ts';
import { chooseFormats, weightBytesPerToken } from './weightFormats.ts';

/** What a model would be on the CPU, known without reading its weights. */
export interface ModelPlan {
  readonly name: string;
  /** File format and the number format that holds most of the weights, for example "GGUF Q4_K". */
  readonly kind: string;
  readonly licence: string | null;
  /** Whether it was trained to chat. */
  readonly chat: boolean;
  /** The context that it would get, in tokens; null where the model does not fit. */
  readonly contextLength: number | null;
  /** Weights, KV cache of that context, and the scratch memory of a step; of the whole context where it does not fit. */
  readonly memoryBytes: number;
  /** Why it does not fit into memory, in one sentence; null where it does. */
  readonly problem: string | null;
  readonly decode: DecodeCost;
}

/** What decoding a token takes. */
export interface DecodeCost {
  /** Bytes of weights that are read. */
  readonly weightBytes: number;
  /** Bytes of the KV cache that are read for each token before it. */
  readonly kvBytesPerToken: number;
  readonly layers: number;
}

/** Memory that a model may take, in bytes. */
export interface PlanLimits {
  readonly freeBytes: number;
  /** What may become free, as by unloading another model; freeBytes where that is more, or where this is absent. */
  readonly reachableBytes?: number | undefined;
}

/**
 * Plans the referenced model for the CPU of a machine with this memory. Everything that loading checks is checked, but
 * for the values of the weights, of which none is read. Rejects with BadModel.
 */
export async function planModel(
  reference: ModelReference,
  { freeBytes, reachableBytes = freeBytes }: PlanLimits,
): Promise<ModelPlan> {
  const { source, description, blueprint, checkpoint } = await openModel(reference, storesHead);
  try {
    const { config, tensors } = blueprint;
    const specs = chooseFormats(tensors, checkpoint, undefined);
    const chunkTokens = CHUNK_TOKENS.wasm;
    const planWith = (bytes: number): MemoryPlan =>
      planMemory(config, specs, {
        freeBytes: bytes,
        chunkTokens,
        imageBytes: imageBytes(blueprint, description.mostCrops),
      });
    let plan = planOf(() => planWith(Math.max(freeBytes, reachableBytes)));
    // The sentence is to say what is free now.
    if (!('kv' in plan)) plan = planOf(() => planWith(freeBytes));
    const { kv } = 'kv' in plan ? plan : planWith(Infinity);
    return {
      name: source.name,
      kind: `${source.format} ${mostlyStoredAs(checkpoint)}`,
      licence: await source.licence(),
      chat: description.tokenizer?.isChatModel ?? false,
      contextLength: 'kv' in plan ? plan.contextLength : null,
      memoryBytes: 'kv' in plan ? plannedBytes(config, specs, plan) : plan.neededBytes,
      problem: 'kv' in plan ? null : plan.message,
      decode: {
        weightBytes: weightBytesPerToken(config, specs),
        kvBytesPerToken: kvPageBytes(config, kv) / PAGE_TOKENS,
        layers: config.layers,
      },
    };
  } finally {
    description.tokenizer?.dispose();
    await checkpoint.close();
  }
}

function planOf(plan: () => MemoryPlan): MemoryPlan | OutOfMemory {
  try {
    return plan();
  } catch (error) {
    if (error instanceof OutOfMemory) return error;
    throw error;
  }
}

/** The number format with the most bytes. */
function mostlyStoredAs({ tensors }: Checkpoint): StoredType {
  const bytes = new Map<StoredType, number>();
  for (const tensor of tensors.values()) bytes.set(tensor.dtype, (bytes.get(tensor.dtype) ?? 0) + tensor.bytes);
  return [...bytes.keys()].sort((a, b) => bytes.get(b)! - bytes.get(a)!)[0]!;
}
