import { basename, dirname, resolve } from 'node:path';
import { decodeRows } from '../../../kernels/stored/decodeRows.ts';
import { BadModel } from '../../errors.ts';
import { tokenizerFilesOf } from '../../tokenizer/gguf/tokenizerFilesOf.ts';
import type { TokenizerFiles } from '../../tokenizer/tokenizer.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { FolderFiles } from '../folderFiles.ts';
import { ModelFile } from '../modelFile.ts';
import { quoted } from '../quoted.ts';
import type { ModelSource, WeightFile } from '../source.ts';
import { GgufCheckpoint } from './ggufCheckpoint.ts';
import { type GgufConfig, architectureOf, translateConfig } from './config.ts';
import { samplingOf, translateGeneration } from './generation.ts';
import type { GgufFile } from './ggufFile.ts';
import type { GgufTensor } from './header.ts';
import { MetadataReader } from './metadataReader.ts';
import type { RopeFactors } from './rope.ts';
import { readShards } from './shards.ts';

/** A model in a GGUF file or in several; its configuration and names are translated into Hugging Face's. */
export class GgufModel implements ModelSource {
  readonly format = 'GGUF';
  readonly #files: readonly GgufFile[];
  readonly #reader: MetadataReader;
  /** The folder that the file lies in. */
  readonly #beside: FolderFiles;

  private constructor(files: readonly GgufFile[]) {
    this.#files = files;
    this.#beside = new FolderFiles(dirname(files[0]!.path));
    this.#reader = new MetadataReader(files[0]!.name, files[0]!.metadata);
  }

  /** Opens the model that `path` is a file of. Rejects with BadModel. */
  static async open(path: string): Promise<GgufModel> {
    const model = new GgufModel(await readShards(path));
    architectureOf(model.#reader);
    checkQuantization(model.#reader);
    return model;
  }

  /** general.name, or the file's name without its ending. */
  get name(): string {
    const name = this.#reader.get('general.name');
    if (typeof name === 'string' && name.trim() !== '') return quoted(name.trim());
    const file = basename(this.#files[0]!.path);
    return file.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
  }

  /** general.license, an identifier such as "mit". */
  async licence(): Promise<string | null> {
    const licence = this.#reader.get('general.license');
    return typeof licence === 'string' && licence.trim() !== '' ? quoted(licence.trim()) : null;
  }

  async config(): Promise<unknown> {
    return (await this.#translate()).json;
  }

  async preprocessorConfig(): Promise<undefined> {}

  /** From the metadata; how answers are sampled also from a generation_config.json beside the file. */
  async generationConfig(): Promise<unknown> {
    const own = translateGeneration(this.#reader);
    if ('temperature' in own) return own;
    return { ...samplingOf(await this.#beside.json('generation_config.json', MAX_GENERATION_BYTES)), ...own };
  }

  async tokenizerFiles(): Promise<TokenizerFiles> {
    return tokenizerFilesOf(this.#files[0]!.metadata);
  }

  async checkpoint(): Promise<Checkpoint> {
    return GgufCheckpoint.open(this.#files, await this.#translate());
  }

  async weightFiles(): Promise<WeightFile[]> {
    return this.#files.map(({ path, size, changed }) => ({ path: resolve(path), bytes: size, changed }));
  }

  /** Made of the names, sizes and modification times of the files, as they were when their headers were read. */
  async fingerprint(): Promise<string> {
    return JSON.stringify(this.#files.map(({ name, size, changed }) => [name, size, changed]));
  }

  async #translate(): Promise<GgufConfig> {
    const tensors = new Map(
      this.#files.flatMap((file) => file.tensors.map((tensor) => [tensor.name, tensor] as const)),
    );
    const factors: RopeFactors = {
      all: await this.#vector('rope_freqs.weight'),
      short: await this.#vector('rope_factors_short.weight'),
      long: await this.#vector('rope_factors_long.weight'),
    };
    return translateConfig(this.#reader, tensors, factors);
  }

  /** The values of a small tensor; undefined where the model has none of this name. */
  async #vector(name: string): Promise<number[] | undefined> {
    for (const file of this.#files) {
      const tensor = file.tensors.find((each) => each.name === name);
      if (tensor) return readVector(file, tensor);
    }
    return undefined;
  }
}

/** A generation_config.json has some hundred bytes. */
const MAX_GENERATION_BYTES = 1 << 20;

/** Largest tensor of factors, which has half a head's size. */
const MAX_FACTORS = 4096;

async function readVector({ path, name: fileName }: GgufFile, tensor: GgufTensor): Promise<number[]> {
  const { name, type, shape, start, bytes } = tensor;
  const positive = (value: number): boolean => Number.isFinite(value) && value > 0;
  if (shape.length !== 1 || shape[0]! > MAX_FACTORS) {
    throw new BadModel(
      `${fileName}: the tensor ${name} has the shape (${shape.join(', ')}) instead of a short list's.`,
    );
  }
  const file = await ModelFile.open(path);
  try {
    const stored = new Uint8Array(bytes);
    await file.read(stored, start);
    const values = [...decodeRows(stored, type).values];
    if (values.every(positive)) return values;
    throw new BadModel(`${fileName}: the tensor ${name} contains values that are not positive numbers.`);
  } finally {
    await file.close();
  }
}

/** Blocks of quantised values have had their present layout since version 2. */
function checkQuantization(reader: MetadataReader): void {
  const version = reader.count('general.quantization_version') ?? 2;
  if (version !== 2) reader.refuse('general.quantization_version', `is ${version}, but 2 is supported`);
}
