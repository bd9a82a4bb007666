import { BadModel } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { quoted } from './quoted.ts';
import type { SafetensorsFile, StoredTensor } from './safetensors.ts';

/** The tensors of one or several safetensors files, which it takes over. Throws BadModel where a name occurs twice. */
export class SafetensorsCheckpoint implements Checkpoint {
  readonly tensors = new Map<string, StoredTensor & { readonly file: SafetensorsFile }>();
  readonly order: readonly string[];

  readonly #files: readonly SafetensorsFile[];

  constructor(files: readonly SafetensorsFile[]) {
    this.#files = files;
    for (const file of files) {
      for (const tensor of file.tensors) {
        const twin = this.tensors.get(tensor.name);
        if (twin) {
          throw new BadModel(`${quoted(tensor.name)} is stored twice, in ${twin.file.name} and ${file.name}.`);
        }
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
