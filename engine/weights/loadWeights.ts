import type { Ops, Tensor, WeightDType } from '../../kernels/ops.ts';
import { LARGEST_WEIGHT } from '../../kernels/quantize.ts';
import { BadModel } from '../errors.ts';
import type { TensorSpec } from '../models/decoder.ts';
import type { LoadProgress } from '../protocol.ts';
import type { Checkpoint } from './checkpoint.ts';
import { TensorSource } from './tensorSource.ts';

/** What may be stored beside the weights: computable buffers of old exports, and the copy of a tied head. */
const IGNORED = /\.rotary_emb\.inv_freq$|^lm_head\.weight$/;

/**
 * Reads what `specs` asks for onto a backend, tensor by tensor: peak memory is the quantised model plus one chunk.
 * Matrices become `dtype`; embedding and head stay at 8 bits where `dtype` is q4. Rejects with BadModel when the
 * checkpoint holds something else than `specs`, or weights beyond the range of their format.
 */
export async function loadWeights(
  ops: Ops,
  checkpoint: Checkpoint,
  specs: readonly TensorSpec[],
  dtype: WeightDType,
  options: { signal?: AbortSignal | undefined; onProgress?: ((progress: LoadProgress) => void) | undefined },
): Promise<TensorSource> {
  compare(checkpoint, specs);
  const roles = new Map(specs.map((spec) => [spec.name, spec]));
  const wanted = checkpoint.order.filter((name) => roles.has(name));
  const totalBytes = wanted.reduce((sum, name) => sum + checkpoint.tensors.get(name)!.bytes, 0);
  const tensors = new Map<string, Tensor>();
  let loadedBytes = 0;
  for (const name of wanted) {
    tensors.set(name, await loadTensor(ops, checkpoint, roles.get(name)!, dtype, options.signal));
    loadedBytes += checkpoint.tensors.get(name)!.bytes;
    options.onProgress?.({ loadedBytes, totalBytes });
  }
  return new TensorSource(tensors);
}

async function loadTensor(
  ops: Ops,
  checkpoint: Checkpoint,
  { name, shape, role, layer }: TensorSpec,
  dtype: WeightDType,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  if (role === 'vector' || role === 'bias') {
    const values = new Float32Array(shape[0]!);
    await checkpoint.read(name, (rows) => values.set(rows), signal);
    return ops.upload(values, shape, layer);
  }
  const format = role === 'embedding' && dtype === 'q4' ? 'q8' : dtype;
  const writer = ops.createWeight(shape as readonly [number, number], format, layer);
  const onRows = (rows: Float32Array, largest: number): void => {
    if (largest > LARGEST_WEIGHT[format])
      throw new BadModel(`The tensor ${name} holds a weight of ${largest.toPrecision(3)}, too large for ${format}.`);
    writer.write(rows);
  };
  await checkpoint.read(name, onRows, signal);
  return writer.finish();
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
