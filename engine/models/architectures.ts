import type { Ops } from '../../kernels/ops.ts';
import { BadModel } from '../errors.ts';
import type { Weights } from '../layers/weights.ts';
import { require } from './config.ts';
import type { Decoder, DecoderConfig, ImageTower, TensorSpec } from './decoder.ts';
import { Llama } from './llama.ts';
import { CLIP_KEYS, parseClipConfig } from './clipConfig.ts';
import { parseLlamaConfig } from './llamaConfig.ts';
import { LLAMA_FAMILIES, type LlamaFamily } from './llamaFamilies.ts';
import { Phi3Small } from './phi3Small.ts';
import { Phi3Vision } from './phi3Vision.ts';
import { Phi3VisionTower } from './phi3VisionTower.ts';
import { parsePhi3SmallConfig } from './phi3SmallConfig.ts';
import { parseStopIds } from './stopIds.ts';

/** A model whose weights are not loaded yet. */
export interface Blueprint {
  readonly architecture: string;
  readonly config: DecoderConfig;
  /** Tokens that end a text by config.json, for models whose generation_config.json names none. */
  readonly stopIds: readonly number[];
  /** The tensors that its checkpoint must contain. */
  readonly tensors: TensorSpec[];
  build(weights: Weights, ops: Ops): Decoder;
  /** The image encoder of a decoder that takes images, which is loaded where it is needed. */
  readonly tower?: TowerBlueprint;
}

export interface TowerBlueprint {
  /** Those of the checkpoint's tensors that belong to it. */
  readonly tensors: readonly TensorSpec[];
  /** What a crop takes beside the weights, roughly. */
  readonly stepBytes: number;
  build(weights: Weights): ImageTower;
}

interface Architecture {
  /** model_type in config.json, which names the architecture where `architectures` does not. */
  readonly modelType: string;
  read(json: unknown): Omit<Blueprint, 'architecture' | 'stopIds'>;
}

/** The supported architectures, by their name in config.json. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  ...Object.fromEntries(Object.entries(LLAMA_FAMILIES).map(([name, family]) => [name, llamaLike(family)])),
  Phi3VForCausalLM: {
    modelType: 'phi3_v',
    read(json) {
      const text = Object.fromEntries(Object.entries(json as object).filter(([key]) => !CLIP_KEYS.has(key)));
      const decoder = parseLlamaConfig(text, { ...LLAMA_FAMILIES['Phi3ForCausalLM']!, modelType: 'phi3_v' });
      const config = { ...decoder, clip: parseClipConfig(json) };
      const tower = Phi3VisionTower.tensors(config);
      return {
        config,
        tensors: [...Llama.tensors(config), ...tower],
        build: (weights) => new Phi3Vision(config, weights),
        tower: {
          tensors: tower,
          stepBytes: Phi3VisionTower.stepBytes(config),
          build: (weights) => new Phi3VisionTower(config, weights),
        },
      };
    },
  },
  Phi3SmallForCausalLM: {
    modelType: 'phi3small',
    read(json) {
      const config = parsePhi3SmallConfig(json);
      return {
        config,
        tensors: Phi3Small.tensors(config),
        build: (weights, ops) => new Phi3Small(config, weights, ops),
      };
    },
  },
};

/** Reads a parsed config.json. Throws BadModel, in one sentence. */
export function readBlueprint(json: unknown): Blueprint {
  const architecture = architectureOf(json);
  return { architecture, stopIds: parseStopIds(json), ...ARCHITECTURES[architecture]!.read(json) };
}

function llamaLike(family: LlamaFamily): Architecture {
  return {
    modelType: family.modelType,
    read(json) {
      const config = parseLlamaConfig(json, family);
      return { config, tensors: Llama.tensors(config), build: (weights) => new Llama(config, weights) };
    },
  };
}

/**
 * The first of `architectures`, or where there is none the one of `model_type`. Throws BadModel where it is not
 * supported or the two contradict each other.
 */
function architectureOf(json: unknown): string {
  const { architectures, model_type: modelType } = (json ?? {}) as { architectures?: unknown; model_type?: unknown };
  const named: unknown = Array.isArray(architectures) ? architectures[0] : (architectures ?? undefined);
  const byType = Object.keys(ARCHITECTURES).find((name) => ARCHITECTURES[name]!.modelType === modelType);
  const architecture = named === undefined ? byType : named;
  if (typeof architecture === 'string' && Object.hasOwn(ARCHITECTURES, architecture)) {
    // transformers goes by model_type, other programs by the name.
    const agree = (modelType ?? ARCHITECTURES[architecture]!.modelType) === ARCHITECTURES[architecture]!.modelType;
    const both = `the architecture ${architecture} and the model_type ${JSON.stringify(modelType)}`;
    require(agree, `it has ${both}, which do not belong together; correct the one that is wrong`);
    return architecture;
  }
  const problem =
    named !== undefined
      ? `The architecture ${typeof named === 'string' ? named : JSON.stringify(named)} is not supported`
      : modelType === undefined || modelType === null
        ? 'config.json names neither architectures nor a model_type'
        : `The model_type ${JSON.stringify(modelType)} is not supported`;
  const known = Object.keys(ARCHITECTURES)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' and ');
  throw new BadModel(`${problem}. Airgap supports ${known}.`);
}
