import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import * as z from 'zod';
import { STORED, type StoredType, isStoredType, storedBytes } from '../../kernels/stored/storedTypes.ts';
import { BadModel } from '../errors.ts';

/** One tensor of a safetensors file. Its data lies at [start, start + bytes) of the file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly bytes: number;
}

const SUPPORTED = Object.keys(STORED)
  .join(', ')
  .replace(/, (?=[^,]*$)/, ' and ');

/** Maximum size of a header, as the format defines it. */
const MAX_HEADER_BYTES = 100 << 20;

/** An open safetensors file whose header has been checked against the file. Format: github.com/huggingface/safetensors. */
export class SafetensorsFile {
  readonly #file: FileHandle;

  private constructor(
    file: FileHandle,
    readonly path: string,
    readonly tensors: readonly StoredTensor[],
  ) {
    this.#file = file;
  }

  /** Rejects with BadModel, in one sentence, when the header does not describe the file. */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      throw new BadModel(`${basename(path)} cannot be read (${error.code}).`);
    });
    try {
      return new SafetensorsFile(file, path, await readHeader(file, basename(path)));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Fills `into` with the bytes of a tensor, starting at its byte `from`. */
  async read(tensor: StoredTensor, from: number, into: Uint8Array): Promise<void> {
    await readFully(this.#file, into, tensor.start + from, basename(this.path));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.string(),
    shape: z.array(z.int().nonnegative()),
    data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
  }),
);

async function readHeader(file: FileHandle, name: string): Promise<StoredTensor[]> {
  const { size } = await file.stat();
  if (size < 8) throw new BadModel(`${name} is truncated: it has ${size} bytes.`);
  const length = Buffer.alloc(8);
  await readFully(file, length, 0, name);
  const headerBytes = Number(length.readBigUInt64LE());
  if (headerBytes > size - 8) {
    throw new BadModel(
      `${name}: the header claims ${headerBytes} bytes, but the file has ${size}. It is truncated or not a safetensors file.`,
    );
  }
  if (headerBytes > MAX_HEADER_BYTES) throw new BadModel(`${name}: a header of ${headerBytes} bytes is too long.`);
  const text = Buffer.alloc(headerBytes);
  await readFully(file, text, 8, name);
  return checkRanges(parseHeader(text.toString('utf8'), name), 8 + headerBytes, size, name);
}

function parseHeader(text: string, name: string): z.infer<typeof headerSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new BadModel(`${name}: the header is not valid JSON. This is not a safetensors file.`);
  }
  if (json && typeof json === 'object') delete (json as Record<string, unknown>)['__metadata__'];
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new BadModel(`${name}: header entry ${issue.path.join('.')}: ${issue.message}.`);
  }
  return parsed.data;
}

/** Checks that every tensor lies inside the file, has the size that its shape requires, and overlaps no other. */
function checkRanges(
  header: z.infer<typeof headerSchema>,
  dataStart: number,
  fileSize: number,
  name: string,
): StoredTensor[] {
  const tensors = Object.entries(header).map(
    ([
      tensorName,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      if (!isStoredType(dtype) || STORED[dtype].quantized) {
        throw new BadModel(`${name}: ${tensorName} is stored as ${dtype}; only ${SUPPORTED} are supported.`);
      }
      const bytes = storedBytes(
        shape.reduce((a, b) => a * b, 1),
        dtype,
      );
      if (to - from !== bytes) {
        throw new BadModel(
          `${name}: ${tensorName} (${shape}) needs ${bytes} bytes, but the header assigns ${to - from}.`,
        );
      }
      if (dataStart + to > fileSize) {
        throw new BadModel(
          `${name} is truncated: ${tensorName} ends at byte ${dataStart + to}, but the file has ${fileSize}.`,
        );
      }
      return { name: tensorName, dtype, shape, start: dataStart + from, bytes } satisfies StoredTensor;
    },
  );
  tensors.sort((a, b) => a.start - b.start);
  for (let i = 1; i < tensors.length; i++) {
    const before = tensors[i - 1]!;
    if (before.start + before.bytes > tensors[i]!.start) {
      throw new BadModel(`${name}: ${before.name} and ${tensors[i]!.name} overlap.`);
    }
  }
  return tensors;
}

async function readFully(file: FileHandle, into: Uint8Array, position: number, name: string): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new BadModel(`${name} ended while it was read.`);
    done += bytesRead;
  }
}
