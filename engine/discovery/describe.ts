import { basename } from 'node:path';
import { BadModel, errorMessage } from '../errors.ts';
import { type PlanLimits, planModel } from '../load/planModel.ts';
import { quoted } from '../sources/quoted.ts';
import type { ListedModel } from '../wire/models.ts';
import type { Disk } from './disk.ts';
import type { ModelFiles } from './modelFiles.ts';
import type { Candidate } from './search.ts';
import { estimateTokensPerSecond } from './speed.ts';

/** A model to be listed: one of another program, or one that the store says more about. */
export interface Listing extends Candidate {
  readonly stored?: Pick<ListedModel, 'id' | 'origin' | 'hash'>;
  /** Whether it is too small to hold a conversation, although it has a chat template. */
  readonly completesOnly?: boolean;
}

/** What decides whether a model runs on this machine, and how fast. */
export interface Machine extends PlanLimits {
  readonly disk: Disk;
  /** In bytes per second; null where it is not known. */
  readonly bandwidth: number | null;
}

/** Opens a model without its weights and says what it would be here, or why it cannot be used. Never rejects. */
export async function describeModel(
  listing: Listing,
  { paths, bytes }: ModelFiles,
  machine: Machine,
): Promise<ListedModel> {
  const { path, program, licence = null, stored, completesOnly = false, problem } = listing;
  const known = {
    path,
    name: quoted(listing.name || basename(path), 200),
    place: program,
    id: null,
    origin: null,
    bytes,
    hash: 'unchecked' as const,
    ...stored,
  };
  const unusable = (why: string): ListedModel => ({
    ...known,
    kind: paths.some((each) => each.endsWith('.safetensors')) ? 'safetensors' : 'GGUF',
    contextLength: null,
    memoryBytes: null,
    tokensPerSecond: null,
    chat: false,
    licence: licence && quoted(licence),
    problem: why,
  });
  if (problem !== undefined) return unusable(problem);
  try {
    const plan = await planModel(path, machine);
    const { kind, chat, contextLength, memoryBytes } = plan;
    const fits = plan.problem === null && machine.bandwidth !== null;
    return {
      ...known,
      name: listing.name === '' ? plan.name : known.name,
      kind,
      contextLength,
      memoryBytes,
      tokensPerSecond: fits ? estimateTokensPerSecond(plan.decode, machine.bandwidth!) : null,
      chat: chat && !completesOnly,
      licence: licence === null ? plan.licence : quoted(licence),
      problem: plan.problem,
    };
  } catch (error) {
    // One file must not keep the others from being listed.
    return unusable(error instanceof BadModel ? error.message : `This is a bug in Airgap: ${errorMessage(error)}.`);
  }
}
