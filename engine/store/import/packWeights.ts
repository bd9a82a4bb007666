import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Encoders } from '../../../kernels/encode/encoders.ts';
import type { PlainType } from '../../../kernels/encode/plainRows.ts';
import type { WeightedRowsOptions, WeightedType } from '../../../kernels/encode/weightedRows.ts';
import { check } from '../../../kernels/check.ts';
import { throwIfAborted } from '../../errors.ts';
import { checkLargest } from '../../load/checkLargest.ts';
import type { Checkpoint } from '../../sources/checkpoint.ts';
import { inOrder } from './inOrder.ts';
import type { PackPlan, PackedTensor } from './packPlan.ts';

/** Bytes of the source that are read at a time. */
const CHUNK_BYTES = 4 << 20;

export interface PackOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of the source that have been packed. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** How much an error in each column of a matrix matters, by the matrix's name; needed for a plan with calibration. */
export type ColumnImportance = ReadonlyMap<string, Float32Array>;

/** Whole rows of a tensor, or a part of one that is copied. */
interface Chunk {
  readonly tensor: PackedTensor;
  readonly from: number;
  readonly bytes: number;
}

/**
 * Writes a packed file, in pieces: a few are in memory at a time. Resolves with its SHA-256 when it is safe on the disk.
 * Rejects with BadModel where a weight is not finite or too large for its type, with Cancelled, and with the system's
 * error where it cannot be written.
 */
export async function packWeights(
  checkpoint: Checkpoint,
  { tensors, header, sourceBytes }: PackPlan,
  path: string,
  { signal, onProgress }: PackOptions,
  importance: ColumnImportance = new Map(),
): Promise<string> {
  const hash = createHash('sha256');
  const encoders = new Encoders();
  const file = await open(path, 'wx', 0o600);
  try {
    const write = async (bytes: Uint8Array): Promise<void> => {
      hash.update(bytes);
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
    };
    await write(header);
    let doneBytes = 0;
    // Each thread has a chunk to encode and the next one waiting.
    for await (const packed of inOrder(chunksOf(tensors), 2 * encoders.threads, async (chunk) => {
      throwIfAborted(signal);
      return { chunk, bytes: await packChunk(checkpoint, encoders, chunk, importance) };
    })) {
      await write(packed.bytes);
      onProgress?.((doneBytes += packed.chunk.bytes), sourceBytes);
    }
    throwIfAborted(signal);
    await file.sync();
  } finally {
    await Promise.all([file.close(), encoders.dispose()]);
  }
  return hash.digest('hex');
}

function* chunksOf(tensors: readonly PackedTensor[]): Generator<Chunk> {
  for (const tensor of tensors) {
    const { bytes, shape } = tensor.stored;
    const rowBytes = bytes / shape[0]!;
    const most = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes)) * rowBytes;
    for (let from = 0; from < bytes; from += most) yield { tensor, from, bytes: Math.min(most, bytes - from) };
  }
}

async function packChunk(
  checkpoint: Checkpoint,
  encoders: Encoders,
  chunk: Chunk,
  importance: ColumnImportance,
): Promise<Uint8Array> {
  const { name, stored, type, format } = chunk.tensor;
  const bytes = type === stored.dtype ? new Uint8Array(chunk.bytes) : encoders.room(chunk.bytes);
  await checkpoint.read(name, chunk.from, bytes);
  if (type === stored.dtype) return bytes;
  const to = weighing(chunk.tensor, importance) ?? (type as PlainType);
  const packed = await encoders.encode({ bytes, from: stored.dtype, to });
  checkLargest(name, packed.largest, format);
  return packed.bytes;
}

function weighing(
  { weighedAs, type, stored }: PackedTensor,
  importance: ColumnImportance,
): WeightedRowsOptions | undefined {
  if (weighedAs === undefined) return undefined;
  const columns = importance.get(weighedAs);
  check(columns !== undefined, () => `${weighedAs} was not calibrated`);
  return { type: type as WeightedType, columns: stored.shape[1]!, importance: columns };
}
