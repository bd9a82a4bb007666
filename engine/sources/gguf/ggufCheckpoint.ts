import { BadModel } from '../../errors.ts';
import type { Checkpoint, CheckpointTensor } from '../checkpoint.ts';
import { ModelFile } from '../modelFile.ts';
import { quoted } from '../quoted.ts';
import type { GgufConfig } from './config.ts';
import type { GgufFile } from './ggufFile.ts';
import { checkpointName, isInterleaved } from './tensorNames.ts';

interface Placed extends CheckpointTensor {
  readonly file: ModelFile;
  readonly start: number;
}

/** The tensors of a GGUF model under their names in Hugging Face's files. */
export class GgufCheckpoint implements Checkpoint {
  readonly tensors: ReadonlyMap<string, Placed>;
  readonly order: readonly string[];

  readonly #files: readonly ModelFile[];

  private constructor(files: readonly ModelFile[], tensors: ReadonlyMap<string, Placed>) {
    this.#files = files;
    this.tensors = tensors;
    // File by file, and within a file by position.
    this.order = [...tensors.keys()];
  }

  /** Opens the files whose headers were read. Rejects with BadModel where one of them has changed since. */
  static async open(headers: readonly GgufFile[], config: GgufConfig): Promise<GgufCheckpoint> {
    const files: ModelFile[] = [];
    try {
      const tensors = new Map<string, Placed>();
      for (const header of headers) {
        const file = await ModelFile.open(header.path);
        files.push(file);
        if (file.size !== header.size || file.changed !== header.changed) {
          throw new BadModel(`${file.name} was changed while it was opened.`);
        }
        addTensors(tensors, header, file, config);
      }
      return new GgufCheckpoint(files, tensors);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  async read(name: string, from: number, into: Uint8Array): Promise<void> {
    const { file, start } = this.tensors.get(name)!;
    await file.read(into, start + from);
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}

function addTensors(
  tensors: Map<string, Placed>,
  header: GgufFile,
  file: ModelFile,
  { architecture, headDim }: GgufConfig,
): void {
  for (const tensor of [...header.tensors].sort((a, b) => a.start - b.start)) {
    const name = checkpointName(tensor.name, architecture);
    if (name === null) continue;
    if (name === undefined) {
      throw new BadModel(
        `${file.name} contains the tensor ${quoted(tensor.name)}, which is not supported for ${architecture}.`,
      );
    }
    if (tensors.has(name)) throw new BadModel(`${file.name} contains ${quoted(tensor.name)} for the second time.`);
    const { shape, type: dtype, bytes, start } = tensor;
    const interleavedHead = isInterleaved(tensor.name, architecture) ? headDim : undefined;
    tensors.set(name, { shape, dtype, bytes, file, start, ...(interleavedHead && { interleavedHead }) });
  }
}
