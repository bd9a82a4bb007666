import type { Ops, Tensor } from '../../kernels/ops.ts';
import { throwIfAborted } from '../errors.ts';
import type { WeightSpec } from '../models/decoder.ts';
import type { LoadProgress } from '../wire/protocol.ts';
import type { Scheduler } from '../inference/scheduler.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { PACKS_WHERE_IT_COMPUTES } from './openBackend.ts';
import { type Chunk, TensorLoad } from './tensorLoad.ts';
import { Weights } from '../layers/weights.ts';

/** Chunks in flight: most are being read, which keeps a disk busy, while the others are packed. */
const CHUNKS_AT_ONCE = 12;

export interface LoadWeightsOptions {
  /** Shared by the models of a process: on the CPU, packing takes turns with their steps, and completions go first. */
  readonly scheduler?: Scheduler | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Loads the tensors of `specs` onto a backend, in chunks of whole rows: peak memory is the packed model plus a few
 * chunks. The checkpoint has been compared with them. Rejects with BadModel when it holds values that are not finite or
 * beyond the range of their format; with Cancelled when the signal fires; and as the backend does. After a
 * rejection nothing is being read any more.
 */
export async function loadWeights(
  ops: Ops,
  checkpoint: Checkpoint,
  specs: readonly WeightSpec[],
  { scheduler, signal, onProgress }: LoadWeightsOptions,
): Promise<Weights> {
  const place = new Map(checkpoint.order.map((name, i) => [name, i]));
  const turns = PACKS_WHERE_IT_COMPUTES[ops.backend] ? scheduler : undefined;
  const loads = specs
    .map((spec) => new TensorLoad(ops, checkpoint, spec, turns))
    .sort((a, b) => place.get(a.firstStored)! - place.get(b.firstStored)!);
  const totalBytes = loads.reduce((sum, { bytes }) => sum + bytes, 0);
  const tensors = new Map<string, Tensor>();
  let loadedBytes = 0;
  onProgress?.({ loadedBytes, totalBytes });
  const chunks = chunksOf(loads);
  const takeChunks = async (): Promise<void> => {
    for (const chunk of chunks) {
      throwIfAborted(signal);
      const { load } = chunk;
      const tensor = await load.take(chunk);
      throwIfAborted(signal);
      if (!tensor) continue;
      tensors.set(load.name, tensor);
      loadedBytes += load.bytes;
      onProgress?.({ loadedBytes, totalBytes });
    }
  };
  // The first failure ends the shared iterator; the others finish the chunk that they wait for.
  const ends = await Promise.allSettled(Array.from({ length: CHUNKS_AT_ONCE }, takeChunks));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return new Weights(tensors);
}

/** All rows of all tensors, in order. */
function* chunksOf(loads: readonly TensorLoad[]): Generator<Chunk> {
  for (const load of loads) yield* load.chunks();
}
