import { readBlueprint } from '../models/architectures.ts';
import type { TensorSpec } from '../models/decoder.ts';
import type { TokenizerFiles } from '../tokenizer/tokenizer.ts';
import type { RandomModelReference } from '../wire/protocol.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import type { ModelSource } from './source.ts';

/** A model with random weights of a given shape and without a tokenizer, for measuring speed. */
export class RandomModel implements ModelSource {
  readonly name: string;
  readonly #config: unknown;

  constructor({ name, randomConfig }: RandomModelReference) {
    this.name = name;
    this.#config = randomConfig;
  }

  async config(): Promise<unknown> {
    return this.#config;
  }

  async generationConfig(): Promise<undefined> {}

  async tokenizerFiles(): Promise<TokenizerFiles> {
    return {};
  }

  async checkpoint(): Promise<Checkpoint> {
    return randomCheckpoint(readBlueprint(this.#config).tensors);
  }

  async fingerprint(): Promise<null> {
    return null;
  }
}

/**
 * Number of values that are generated once and then repeated. Speed does not depend on them, billions take minutes, and
 * one block must not hold up the event loop.
 */
const BLOCK_VALUES = 1 << 18;

/** Random weights of the given shapes, scaled so that activations stay finite. They are good for speed, never for quality. */
export function randomCheckpoint(specs: readonly TensorSpec[]): Checkpoint {
  const tensors = new Map<string, CheckpointTensor & TensorSpec>(
    specs.map((spec) => [spec.name, { ...spec, dtype: 'BF16', bytes: 2 * spec.shape.reduce((a, b) => a * b, 1) }]),
  );
  const blocks = new Map<number, Uint8Array>();
  const blockOf = ({ role, shape }: TensorSpec): Uint8Array => {
    const constant = { vector: 1, bias: 0, matrix: undefined, embedding: undefined }[role];
    const scale = Math.sqrt(3 / shape.at(-1)!); // The product has unit variance.
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
      await new Promise(setImmediate); // Yields to the event loop, as reading a file does.
    },
    async close() {},
  };
}

/** BLOCK_VALUES values as BF16 bytes. */
function toBf16(next: () => number): Uint8Array {
  const bits = new Uint32Array(Float32Array.from({ length: BLOCK_VALUES }, next).buffer);
  return new Uint8Array(Uint16Array.from(bits, (word) => word >>> 16).buffer);
}
