import type { TensorSpec } from '../models/decoder.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';

/** Values made once and used again and again: speed does not depend on them, and making billions would take minutes. */
const BLOCK_VALUES = 1 << 20;

/** Random weights of a model's shapes, scaled so that activations stay finite. They give speed, never quality. */
export function randomCheckpoint(specs: readonly TensorSpec[]): Checkpoint {
  const tensors = new Map<string, CheckpointTensor & TensorSpec>(
    specs.map((spec) => [spec.name, { ...spec, dtype: 'BF16', bytes: 2 * spec.shape.reduce((a, b) => a * b, 1) }]),
  );
  const blocks = new Map<number, Uint8Array>();
  const blockOf = ({ role, shape }: TensorSpec): Uint8Array => {
    const constant = { vector: 1, bias: 0, matrix: undefined, embedding: undefined }[role];
    const scale = Math.sqrt(3 / shape.at(-1)!); // Unit variance of the product.
    const key = constant ?? -scale;
    let block = blocks.get(key);
    if (!block) blocks.set(key, (block = toBf16(() => constant ?? (Math.random() * 2 - 1) * scale)));
    return block;
  };
  return {
    tensors,
    order: [...tensors.keys()],
    async read(name, from, into) {
      const block = blockOf(tensors.get(name)!);
      for (let at = 0; at < into.length;) {
        const start = (from + at) % block.length;
        const part = block.subarray(start, start + into.length - at);
        into.set(part, at);
        at += part.length;
      }
      await new Promise(setImmediate); // As a file would: others get their turn.
    },
    async close() {},
  };
}

/** A block of bytes. */
function toBf16(next: () => number): Uint8Array {
  const bits = new Uint32Array(Float32Array.from({ length: BLOCK_VALUES }, next).buffer);
  return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}
