import type { Ops, Tensor } from '../../kernels/ops.ts';
import { BadModel, throwIfAborted } from '../errors.ts';
import type { TensorSpec, WeightSpec } from '../models/decoder.ts';
import type { LoadProgress } from '../wire/protocol.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { TensorLoad } from './tensorLoad.ts';
import { Weights } from '../layers/weights.ts';

/** Tensors that may be stored beside the weights: computable buffers of old exports, and the copy of a tied head. */
const IGNORED = /\.rotary_emb\.inv_freq$|^lm_head\.weight$/;

/** Bytes read at a time: many rows of any model, yet little beside it, even though each of a backend's memories holds some. */
const CHUNK_BYTES = 2 << 20;
/** Chunks in flight: about four are being read, which keeps a disk busy, while the others are packed. */
const CHUNKS_AT_ONCE = 6;

export interface LoadWeightsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Loads the tensors of `specs` onto a backend, in chunks of whole rows: peak memory is the packed model plus a few
 * chunks. Rejects with BadModel when the checkpoint holds something other than `specs`, values that are not finite, or
 * weights beyond the range of their format; with Cancelled when the signal fires; and as the backend does. After a
 * rejection nothing is being read any more.
 */
export async function loadWeights(
  ops: Ops,
  checkpoint: Checkpoint,
  specs: readonly WeightSpec[],
  { signal, onProgress }: LoadWeightsOptions,
): Promise<Weights> {
  compare(checkpoint, specs);
  const specOf = new Map(specs.map((spec) => [spec.name, spec]));
  const wanted = checkpoint.order.filter((name) => specOf.has(name));
  const totalBytes = wanted.reduce((sum, name) => sum + checkpoint.tensors.get(name)!.bytes, 0);
  const tensors = new Map<string, Tensor>();
  let loadedBytes = 0;
  onProgress?.({ loadedBytes, totalBytes });
  const chunks = chunksOf(wanted.map((name) => new TensorLoad(ops, checkpoint, specOf.get(name)!)));
  const takeChunks = async (): Promise<void> => {
    for (const { load, from, bytes } of chunks) {
      throwIfAborted(signal);
      const tensor = await load.take(from, bytes);
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
function* chunksOf(loads: readonly TensorLoad[]): Generator<{ load: TensorLoad; from: number; bytes: number }> {
  for (const load of loads) {
    const most = Math.max(1, Math.floor(CHUNK_BYTES / load.rowBytes)) * load.rowBytes;
    for (let from = 0; from < load.bytes; from += most) yield { load, from, bytes: Math.min(most, load.bytes - from) };
  }
}

/** Throws BadModel, whose sentence names the first tensor that is missing, unexpected, or of another shape. */
function compare(checkpoint: Checkpoint, specs: readonly TensorSpec[]): void {
  const names = new Set(specs.map((spec) => spec.name));
  const extra = checkpoint.order.filter((name) => !names.has(name) && !IGNORED.test(name));
  const missing = specs.filter(({ name }) => !checkpoint.tensors.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw new BadModel(`The weights do not contain ${listed(missing)}.`);
  if (extra.length > 0) throw new BadModel(`The weights contain ${listed(extra)}, which config.json does not require.`);
  for (const { name, shape } of specs) {
    const stored = checkpoint.tensors.get(name)!.shape;
    if (stored.join() !== shape.join()) {
      throw new BadModel(
        `The tensor ${name} has the shape (${stored.join(', ')}), but config.json requires (${shape.join(', ')}).`,
      );
    }
  }
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names[0]} and ${names.length - 1} more`;
}
