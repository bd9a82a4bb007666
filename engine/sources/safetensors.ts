import { BadModel } from '../errors.ts';
import type { ModelFile } from './modelFile.ts';
import { type StoredTensor, parseSafetensorsHeader } from './safetensorsHeader.ts';

export type { StoredTensor };

/**
 * Limit for a header. The format allows 100 MB, but a tensor takes about 120 bytes, and parsing takes several times as
 * much memory as the text.
 */
const MAX_HEADER_BYTES = 2 << 20;

/** An open safetensors file whose header has been checked against the file. */
export class SafetensorsFile {
  readonly #file: ModelFile;
  readonly tensors: readonly StoredTensor[];

  private constructor(file: ModelFile, tensors: readonly StoredTensor[]) {
    this.#file = file;
    this.tensors = tensors;
  }

  /** Takes over `file`. Rejects with BadModel, in one sentence, when the header does not describe the file. */
  static async open(file: ModelFile): Promise<SafetensorsFile> {
    try {
      return new SafetensorsFile(file, await readHeader(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get name(): string {
    return this.#file.name;
  }

  /** Fills `into` with the bytes of a tensor, starting at its byte `from`. */
  read(tensor: StoredTensor, from: number, into: Uint8Array): Promise<void> {
    return this.#file.read(into, tensor.start + from);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readHeader(file: ModelFile): Promise<StoredTensor[]> {
  const { name, size } = file;
  if (size < 8) throw new BadModel(`${name} is truncated: it has ${size} bytes.`);
  const length = Buffer.alloc(8);
  await file.read(length, 0);
  const headerBytes = Number(length.readBigUInt64LE());
  if (headerBytes > size - 8) {
    throw new BadModel(
      `${name}: the header claims ${headerBytes} bytes, but the file has ${size}. It is truncated or not a safetensors file.`,
    );
  }
  if (headerBytes > MAX_HEADER_BYTES) throw new BadModel(`${name}: a header of ${headerBytes} bytes is too long.`);
  const text = Buffer.alloc(headerBytes);
  await file.read(text, 8);
  return parseSafetensorsHeader(name, text.toString('utf8'), 8 + headerBytes, size);
}
