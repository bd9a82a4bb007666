import { readBlueprint } from '../models/architectures.ts';
import type { TensorSpec } from '../models/decoder.ts';
import type { TokenizerFiles } from '../tokenizer/tokenizer.ts';
import type { RandomModelReference } from '../wire/protocol.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import type { ModelSource } from './source.ts';

/** A model with random weights of a given shape and without a tokenizer, for measuring speed. */
export class RandomModel implements ModelSource {
  readonly name: string;
  readonly format = 'random weights';
  readonly #config: unknown;

  constructor({ name, randomConfig }: RandomModelReference) {
    this.name = name;
    this.#config = randomConfig;
  }

  async licence(): Promise<null> {
    return null;
  }

  async config(): Promise<unknown> {
    return this.#config;
  }

  async generationConfig(): Promise<undefined> {}

  async preprocessorConfig(): Promise<undefined> {}

  async tokenizerFiles(): Promise<TokenizerFiles> {
    return {};
  }

  async weightFiles(): Promise<[]> {
    return [];
  }

  async checkpoint(): Promise<Checkpoint> {
    return randomCheckpoint(readBlueprint(this.#config).tensors);
  }

  async fingerprint(): Promise<null> {
    return null;
  }
}

/**
 * Number of values that are generated once and then repeated. Speed does not depend on them, and billions take minutes.
 * One block takes a few milliseconds of the event loop. A prime, so that the rows of a matrix differ.
 */
const BLOCK_VALUES = 65521;

/** Random weights of the given shapes, scaled so that activations stay finite. They are good for speed, never for quality. */
export function randomCheckpoint(specs: readonly TensorSpec[]): Checkpoint {
  const tensors = new Map<string, CheckpointTensor & TensorSpec>(
    specs.map((spec) => {
      const shape = spec.storedShape ?? spec.shape;
      return [spec.name, { ...spec, shape, dtype: 'BF16', bytes: 2 * shape.reduce((a, b) => a * b, 1) }];
    }),
  );
  const blocks = new Map<number, Uint8Array>();
  const blockOf = ({ role, shape }: TensorSpec): Uint8Array => {
    const constant = role === 'vector' ? 1 : role === 'bias' ? 0 : undefined;
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
  const values = new Float32Array(BLOCK_VALUES);
  for (let i = 0; i < values.length; i++) values[i] = next();
  const words = new Uint16Array(values.buffer);
  const upperHalves = new Uint16Array(BLOCK_VALUES);
  for (let i = 0; i < upperHalves.length; i++) upperHalves[i] = words[2 * i + 1]!;
  return new Uint8Array(upperHalves.buffer);
}
