import { throwIfAborted } from '../errors.ts';
import type { TensorSpec } from '../models/decoder.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Values made once and used again and again: speed does not depend on them, and making billions would take minutes. */
const BLOCK_VALUES = 1 << 20;

/** Random weights of a model's shapes, scaled so that activations stay finite. They give speed, never quality. */
export function randomCheckpoint(specs: readonly TensorSpec[]): Checkpoint {
  const block = Float32Array.from({ length: BLOCK_VALUES }, () => Math.random() * 2 - 1);
  const tensors = new Map(
    specs.map(({ name, shape, role }) => [name, { shape, role, bytes: 2 * shape.reduce((a, b) => a * b, 1) }]),
  );
  return {
    tensors,
    order: [...tensors.keys()],
    async read(name, onRows, signal) {
      const { shape, role } = tensors.get(name)!;
      const width = shape.at(-1)!;
      const constant = { vector: 1, bias: 0, matrix: undefined, embedding: undefined }[role];
      const scale = Math.sqrt(3 / width); // Unit variance of the product.
      const rowsAtOnce = Math.max(1, Math.floor(BLOCK_VALUES / width));
      const chunk = new Float32Array(rowsAtOnce * width);
      for (let i = 0; i < chunk.length; i++) chunk[i] = constant ?? block[i % BLOCK_VALUES]! * scale;
      for (let row = 0; row < shape.slice(0, -1).reduce((a, b) => a * b, 1); row += rowsAtOnce) {
        throwIfAborted(signal);
        const rows = Math.min(rowsAtOnce, shape.slice(0, -1).reduce((a, b) => a * b, 1) - row);
        onRows(chunk.subarray(0, rows * width), Math.max(1, scale));
        await new Promise(setImmediate);
      }
    },
    async close() {},
  };
}
