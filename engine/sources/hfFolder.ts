import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { BadModel } from '../errors.ts';
import type { TokenizerFiles } from '../tokenizer/tokenizer.ts';
import type { Checkpoint } from './checkpoint.ts';
import { SafetensorsFile, type StoredTensor } from './safetensors.ts';
import type { ModelSource } from './source.ts';

/** A model folder in Hugging Face's layout. Nothing in it is executed. */
export class HfFolder implements ModelSource {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Rejects with BadModel when there is no such folder. */
  static async open(path: string): Promise<HfFolder> {
    const info = await stat(path).catch(() => null);
    if (!info) throw new BadModel(`The folder ${path} does not exist.`);
    if (!info.isDirectory()) throw new BadModel(`${path} is a file. A model is a folder with config.json and weights.`);
    return new HfFolder(path);
  }

  get name(): string {
    return basename(this.#path);
  }

  async config(): Promise<unknown> {
    const config = await this.#json('config.json');
    if (config !== undefined) return config;
    throw new BadModel(`${this.#path} is not a model folder: it contains no config.json.`);
  }

  generationConfig(): Promise<unknown> {
    return this.#json('generation_config.json');
  }

  async tokenizerFiles(): Promise<TokenizerFiles> {
    return {
      tokenizerJson: await this.#json('tokenizer.json'),
      tokenizerConfig: await this.#json('tokenizer_config.json'),
      chatTemplate: await this.#text('chat_template.jinja'),
    };
  }

  /** Opens model.safetensors, or the shards that model.safetensors.index.json lists. */
  async checkpoint(): Promise<Checkpoint> {
    const names = await this.#weightFiles();
    const files: SafetensorsFile[] = [];
    try {
      for (const name of names) files.push(await SafetensorsFile.open(join(this.#path, name)));
      return new SafetensorsCheckpoint(files);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  /** Made of the names, sizes and modification times of the configuration and the weight files. */
  async fingerprint(): Promise<string> {
    const names = ['config.json', ...(await this.#weightFiles())];
    const stats = await Promise.all(names.map((name) => stat(join(this.#path, name))));
    return JSON.stringify(names.map((name, i) => [name, stats[i]!.size, stats[i]!.mtimeMs]));
  }

  /** Content of a text file in the folder; undefined when it does not exist. */
  async #text(name: string): Promise<string | undefined> {
    return readFile(join(this.#path, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new BadModel(`${name} cannot be read (${error.code}).`);
    });
  }

  /** Parsed content of a JSON file in the folder; undefined when it does not exist. */
  async #json(name: string): Promise<unknown> {
    const text = await this.#text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new BadModel(`${name} in ${this.name} is not valid JSON.`);
    }
  }

  async #weightFiles(): Promise<string[]> {
    const index = await this.#json('model.safetensors.index.json');
    if (index === undefined) {
      const single = await stat(join(this.#path, 'model.safetensors')).catch(() => null);
      if (single) return ['model.safetensors'];
      throw new BadModel(`${this.#path} contains neither model.safetensors nor model.safetensors.index.json.`);
    }
    // Only plain file names are accepted, so that an index cannot reach outside of its folder.
    const parsed = z
      .object({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)) })
      .safeParse(index);
    if (!parsed.success) throw new BadModel('model.safetensors.index.json has no valid weight_map.');
    return [...new Set(Object.values(parsed.data.weight_map))].sort();
  }
}

class SafetensorsCheckpoint implements Checkpoint {
  readonly tensors = new Map<string, StoredTensor & { readonly file: SafetensorsFile }>();
  readonly order: readonly string[];

  readonly #files: readonly SafetensorsFile[];

  constructor(files: readonly SafetensorsFile[]) {
    this.#files = files;

    for (const file of files) {
      for (const tensor of file.tensors) {
        const twin = this.tensors.get(tensor.name);
        if (twin)
          throw new BadModel(
            `${tensor.name} is stored twice, in ${basename(twin.file.path)} and ${basename(file.path)}.`,
          );
        this.tensors.set(tensor.name, { ...tensor, file });
      }
    }
    this.order = [...this.tensors.keys()]; // File by file, and within a file by position.
  }

  async read(name: string, from: number, into: Uint8Array): Promise<void> {
    const tensor = this.tensors.get(name)!;
    await tensor.file.read(tensor, from, into);
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}
