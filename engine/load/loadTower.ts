import { OutOfMemory } from '../../kernels/ops.ts';
import type { TowerBlueprint } from '../models/architectures.ts';
import type { WeightSpec } from '../models/decoder.ts';
import type { Scheduler } from '../inference/scheduler.ts';
import type { ModelSource } from '../sources/source.ts';
import type { LoadedTower } from '../vision/imageEncoder.ts';
import { loadWeights } from './loadWeights.ts';
import type { MemoryLedger } from './memoryLedger.ts';
import { gigabytes } from './memoryPlan.ts';
import { type BackendOptions, openBackend } from './openBackend.ts';
import { weightBytes } from './weightFormats.ts';

/** Everything that is needed to load a model's image encoder whenever a picture is to be seen. */
export interface TowerParts {
  readonly source: ModelSource;
  readonly blueprint: TowerBlueprint;
  readonly specs: readonly WeightSpec[];
}

/** Shared with the model. */
export interface TowerOptions extends BackendOptions {
  readonly scheduler?: Scheduler | undefined;
  readonly ledger?: MemoryLedger | undefined;
}

/**
 * Loads an image encoder onto a backend of its own, so that all of its memory goes back to the system with it. Rejects
 * with BadModel, OutOfMemory, BackendLost or Cancelled; then nothing is held.
 */
export async function loadTower(
  { source, blueprint, specs }: TowerParts,
  options: TowerOptions,
  signal: AbortSignal | undefined,
): Promise<LoadedTower> {
  const { scheduler, ledger } = options;
  const { ops } = await openBackend(options);
  let loaded: (() => void) | undefined;
  try {
    const needed = weightBytes(specs) + blueprint.stepBytes;
    const free = Math.max(0, ops.bytesFree - (ledger?.pendingBytes ?? 0));
    if (needed > free)
      throw new OutOfMemory(
        needed,
        `Seeing a picture takes ${gigabytes(needed)} of memory, but ${gigabytes(free)} are free; close other programs.`,
      );
    loaded = ledger?.enter(() => weightBytes(specs) - ops.bytesHeld);
    const checkpoint = await source.checkpoint();
    try {
      const weights = await loadWeights(ops, checkpoint, specs, { scheduler, signal });
      return { ops, tower: blueprint.build(weights) };
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    await ops.dispose();
    throw error;
  } finally {
    loaded?.();
  }
}
