import { ModelFile } from '../modelFile.ts';
import { type GgufHeader, parseHeader } from './header.ts';
import { HeaderIncomplete } from './headerReader.ts';

/** The header of a GGUF file with what tells whether the file is still the same. */
export interface GgufFile extends GgufHeader {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly changed: number;
}

/** Most headers are shorter; nearly all of a header is the vocabulary. */
const FIRST_BYTES = 4 << 20;

/** Reads a file's header and closes it again. Rejects with BadModel. */
export async function readGgufFile(path: string): Promise<GgufFile> {
  const file = await ModelFile.open(path);
  try {
    const { name, size, changed } = file;
    return { ...(await readHeader(file)), path, name, size, changed };
  } finally {
    await file.close();
  }
}

/** Reads four times as much whenever the header turns out to be longer; what is read beyond it is little. */
async function readHeader(file: ModelFile): Promise<GgufHeader> {
  for (let length = FIRST_BYTES; ; length *= 4) {
    const bytes = Buffer.alloc(Math.min(length, file.size));
    await file.read(bytes, 0);
    try {
      return parseHeader(file.name, bytes, file.size);
    } catch (error) {
      if (!(error instanceof HeaderIncomplete)) throw error;
    }
  }
}
