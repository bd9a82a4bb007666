import type { Ops, Tensor, WeightDType } from '../../kernels/ops.ts';
import { BadModel, throwIfAborted } from '../errors.ts';
import type { TensorSpec } from '../models/decoder.ts';
import type { LoadProgress } from '../wire/protocol.ts';
import type { Checkpoint } from '../sources/checkpoint.ts';
import { TensorLoad } from './tensorLoad.ts';
import { TensorSource } from '../models/tensorSource.ts';

/** What may be stored beside the weights: computable buffers of old exports, and the copy of a tied head. */
const IGNORED = /\.rotary_emb\.inv_freq$|^lm_head\.weight$/;

/** Read at a time: many rows of any model, and little beside it, though each of a backend's memories holds some. */
const CHUNK_BYTES = 2 << 20;
/** Chunks on their way: four are being read, which keeps a disk busy, while others are packed. */
const CHUNKS_AT_ONCE = 6;

export interface LoadWeightsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Reads what `specs` asks for onto a backend, in chunks of whole rows: peak memory is the quantised model plus a few of
 * them. Matrices become `dtype`; embedding and head stay at 8 bits where `dtype` is q4. Rejects with BadModel when the
 * checkpoint holds something else than `specs`, values that are not finite, or weights beyond the range of their format,
 * with Cancelled when the signal fires, and as the backend does; then nothing is being read any more.
 */
export async function loadWeights(
  ops: Ops,
  checkpoint: Checkpoint,
  specs: readonly TensorSpec[],
  dtype: WeightDType,
  { signal, onProgress }: LoadWeightsOptions,
): Promise<TensorSource> {
  compare(checkpoint, specs);
  const roles = new Map(specs.map((spec) => [spec.name, spec]));
  const wanted = checkpoint.order.filter((name) => roles.has(name));
  const totalBytes = wanted.reduce((sum, name) => sum + checkpoint.tensors.get(name)!.bytes, 0);
  const tensors = new Map<string, Tensor>();
  let loadedBytes = 0;
  const chunks = chunksOf(wanted.map((name) => new TensorLoad(ops, checkpoint, roles.get(name)!, dtype)));
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
  // The first that fails ends the iterator for all; who waits for a chunk goes on until it is there.
  const ends = await Promise.allSettled(Array.from({ length: CHUNKS_AT_ONCE }, takeChunks));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return new TensorSource(tensors);
}

/** All rows, in order of the tensors. */
function* chunksOf(loads: readonly TensorLoad[]): Generator<{ load: TensorLoad; from: number; bytes: number }> {
  for (const load of loads) {
    const most = Math.max(1, Math.floor(CHUNK_BYTES / load.rowBytes)) * load.rowBytes;
    for (let from = 0; from < load.bytes; from += most) yield { load, from, bytes: Math.min(most, load.bytes - from) };
  }
}

/** Names every disagreement's first case in one sentence. */
function compare(checkpoint: Checkpoint, specs: readonly TensorSpec[]): void {
  const names = new Set(specs.map((spec) => spec.name));
  const extra = checkpoint.order.filter((name) => !names.has(name) && !IGNORED.test(name));
  const missing = specs.filter(({ name }) => !checkpoint.tensors.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw new BadModel(`The weights lack ${listed(missing)}.`);
  if (extra.length > 0) throw new BadModel(`The weights hold ${listed(extra)}, which config.json does not call for.`);
  for (const { name, shape } of specs) {
    const stored = checkpoint.tensors.get(name)!.shape;
    if (stored.join() !== shape.join()) {
      throw new BadModel(
        `The tensor ${name} has the shape (${stored.join(', ')}); config.json asks for (${shape.join(', ')}).`,
      );
    }
  }
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names[0]} and ${names.length - 1} more`;
}
