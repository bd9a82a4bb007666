import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { BadModel } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { SafetensorsFile, type StoredTensor } from './safetensors.ts';

/** A model folder in Hugging Face layout. Nothing in it is executed. */
export class ModelFolder {
  private constructor(readonly path: string) {}

  /** Throws BadModel when there is no such folder. */
  static async open(path: string): Promise<ModelFolder> {
    const info = await stat(path).catch(() => null);
    if (!info) throw new BadModel(`There is no folder ${path}.`);
    if (!info.isDirectory()) throw new BadModel(`${path} is a file; a model is a folder with config.json and weights.`);
    return new ModelFolder(path);
  }

  /** A text file of the folder; undefined where it does not exist. */
  async text(name: string): Promise<string | undefined> {
    return readFile(join(this.path, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new BadModel(`${name} cannot be read (${error.code}).`);
    });
  }

  /** A JSON file of the folder; undefined where it does not exist. Throws BadModel when it is not JSON. */
  async json(name: string): Promise<unknown> {
    const text = await this.text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new BadModel(`${name} in ${basename(this.path)} is not valid JSON.`);
    }
  }

  /** The weights: model.safetensors, or the shards that model.safetensors.index.json lists. */
  async checkpoint(): Promise<Checkpoint> {
    const names = await this.#weightFiles();
    const files: SafetensorsFile[] = [];
    try {
      for (const name of names) files.push(await SafetensorsFile.open(join(this.path, name)));
      return new SafetensorsCheckpoint(files);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  /** Changes when the configuration or the weights do: names, sizes and times of their files. */
  async fingerprint(): Promise<string> {
    const names = ['config.json', ...(await this.#weightFiles())];
    const stats = await Promise.all(names.map((name) => stat(join(this.path, name))));
    return JSON.stringify(names.map((name, i) => [name, stats[i]!.size, stats[i]!.mtimeMs]));
  }

  async #weightFiles(): Promise<string[]> {
    const index = await this.json('model.safetensors.index.json');
    if (index === undefined) {
      const single = await stat(join(this.path, 'model.safetensors')).catch(() => null);
      if (single) return ['model.safetensors'];
      throw new BadModel(`${this.path} holds no model.safetensors and no model.safetensors.index.json.`);
    }
    // Plain file names only: an index must not reach outside of its folder.
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
    this.order = [...this.tensors.keys()]; // Files one after the other, each in order of position.
  }

  async read(name: string, from: number, into: Uint8Array): Promise<void> {
    const tensor = this.tensors.get(name)!;
    await tensor.file.read(tensor, from, into);
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}
