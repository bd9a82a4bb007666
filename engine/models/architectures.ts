import type { Ops } from '../../kernels/ops.ts';
import { BadModel } from '../errors.ts';
import type { Weights } from '../layers/weights.ts';
import type { Decoder, DecoderConfig, TensorSpec } from './decoder.ts';
import { Phi3 } from './phi3.ts';
import { parsePhi3Config } from './phi3Config.ts';
import { Phi3Small } from './phi3Small.ts';
import { parsePhi3SmallConfig } from './phi3SmallConfig.ts';

/** A model whose weights are not loaded yet. */
export interface Blueprint {
  readonly architecture: string;
  readonly config: DecoderConfig;
  /** The tensors that its checkpoint must contain. */
  readonly tensors: TensorSpec[];
  build(weights: Weights, ops: Ops): Decoder;
}

/** The supported architectures, by their name in config.json. */
const ARCHITECTURES: Readonly<Record<string, (json: unknown) => Omit<Blueprint, 'architecture'>>> = {
  Phi3ForCausalLM: (json) => {
    const config = parsePhi3Config(json);
    return { config, tensors: Phi3.tensors(config), build: (weights) => new Phi3(config, weights) };
  },
  Phi3SmallForCausalLM: (json) => {
    const config = parsePhi3SmallConfig(json);
    return {
      config,
      tensors: Phi3Small.tensors(config),
      build: (weights, ops) => new Phi3Small(config, weights, ops),
    };
  },
};

/** Reads a parsed config.json. Throws BadModel, in one sentence. */
export function readBlueprint(json: unknown): Blueprint {
  const named = (json as { architectures?: unknown } | null)?.architectures;
  const architecture = Array.isArray(named) ? String(named[0]) : '';
  const read = Object.hasOwn(ARCHITECTURES, architecture) ? ARCHITECTURES[architecture] : undefined;
  if (!read) {
    const known = Object.keys(ARCHITECTURES).join(' and ');
    const problem = architecture
      ? `The architecture ${architecture} is not supported`
      : 'config.json names no architecture';
    throw new BadModel(`${problem}. Airgap supports ${known}.`);
  }
  return { architecture, ...read(json) };
}
