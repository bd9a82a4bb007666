import { BadModel } from '../../errors.ts';
import { quoted } from '../quoted.ts';
import type { GgufMetadata, GgufValue } from './metadata.ts';

/** Typed access to the metadata of a file. Throws BadModel, in one sentence that names the file and the key. */
export class MetadataReader {
  readonly #file: string;
  readonly #metadata: GgufMetadata;

  constructor(file: string, metadata: GgufMetadata) {
    this.#file = file;
    this.#metadata = metadata;
  }

  get(key: string): GgufValue | undefined {
    return this.#metadata.get(key);
  }

  keys(): Iterable<string> {
    return this.#metadata.keys();
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === 'string') return value;
    return this.refuse(key, 'is not a text');
  }

  /** A finite number. F32 values are given as the shortest decimal number that rounds to them: 1e-5, not 9.999999747e-6. */
  number(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) return this.refuse(key, 'is not a finite number');
    return shortest(value);
  }

  /** A count of at least 0. Where a list gives one per layer, all of them have to be equal. */
  count(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const all = [value].flat();
    if (new Set(all).size !== 1) return this.refuse(key, 'differs between layers, which is not supported');
    const first: unknown = all[0];
    if (typeof first === 'number' && Number.isInteger(first) && first >= 0) return first;
    return this.refuse(key, 'is not a whole number');
  }

  required(key: string): number {
    return this.count(key) ?? this.refuse(key, 'is missing');
  }

  refuse(key: string, problem: string): never {
    throw new BadModel(`${this.#file}: ${quoted(key)} ${problem}.`);
  }

  refuseFile(problem: string): never {
    throw new BadModel(`${this.#file} ${problem}.`);
  }
}

function shortest(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
