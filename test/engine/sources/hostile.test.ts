/**
 * Files that are made to take memory or time. Each is opened in a process whose heap has 64 MB more than the file; buffers
 * may take 64 MB more, too. This file is that process's program, as well.
 */
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { typed, ggufBytes } from '../../support/engine/ggufFile.ts';
import { countBuffers, openEverything, refusal, runWithHeap } from '../../support/engine/openEverything.ts';
import { tinyGguf, zeros } from '../../support/engine/tinyGguf.ts';
import { TinyFolder } from '../../support/engine/tinyModel.ts';

const MB = 1 << 20;

interface Hostile {
  readonly name: string;
  readonly file: string;
  /** The first bytes; the rest of the file is zeros that take no place on the disk. */
  readonly bytes: Uint8Array;
  readonly size?: number;
  readonly says: RegExp;
}

/** A GGUF file's start with the counts of tensors and entries, and what follows. */
function gguf(tensors: bigint, entries: bigint, ...rest: Uint8Array[]): Uint8Array {
  const start = Buffer.alloc(24);
  start.write('GGUF');
  start.writeUInt32LE(3, 4);
  start.writeBigUInt64LE(tensors, 8);
  start.writeBigUInt64LE(entries, 16);
  return Buffer.concat([start, ...rest]);
}

/** An entry whose value is a list of `length` elements of a type, which follow. */
function list(key: string, type: number, length: bigint): Uint8Array {
  const bytes = Buffer.alloc(8 + key.length + 4 + 4 + 8);
  bytes.writeBigUInt64LE(BigInt(key.length));
  bytes.write(key, 8);
  bytes.writeUInt32LE(9, 8 + key.length);
  bytes.writeUInt32LE(type, 12 + key.length);
  bytes.writeBigUInt64LE(length, 16 + key.length);
  return bytes;
}

const texts = (count: number, text: string): Uint8Array => {
  const one = Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(text.length)).buffer), Buffer.from(text)]);
  return Buffer.alloc(count * one.length, one);
};

const header = (text: string): Uint8Array =>
  Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(text.length)).buffer), Buffer.from(text)]);

function hostileFiles(): Hostile[] {
  const [STRING, U8, F64] = [8, 0, 12];
  const vocabulary = (tokens: string[]) => ({
    ...{ 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'smollm', 'tokenizer.ggml.merges': [] as string[] },
    'tokenizer.ggml.tokens': tokens,
  });
  const pieces = (tokens: string[]) => ({
    ...{ 'tokenizer.ggml.model': 'llama', 'tokenizer.ggml.tokens': tokens },
    'tokenizer.ggml.scores': typed(
      'f32',
      tokens.map(() => 0),
    ),
    'tokenizer.ggml.token_type': typed(
      'i32',
      tokens.map((_, i) => (i === 0 ? 2 : 1)),
    ),
  });
  const G = 'a.gguf';
  const S = 'model.safetensors';
  return [
    {
      name: 'eight gigabytes of entries',
      file: G,
      bytes: gguf(0n, 1n << 29n),
      size: 8 * 1024 * MB,
      says: /the number of entries is 536870912, but there is room for/,
    },
    {
      name: 'eight gigabytes of tensors',
      file: G,
      bytes: gguf(1n << 27n, 0n),
      size: 8 * 1024 * MB,
      says: /the number of tensors is 134217728, but there is room for/,
    },
    {
      name: 'eight gigabytes of empty texts',
      file: G,
      bytes: gguf(0n, 1n, list('a', STRING, 1n << 30n)),
      size: 8 * 1024 * MB,
      says: /the length of a is 1073741824, but there is room for/,
    },
    {
      name: 'as many texts as are allowed',
      file: G,
      bytes: gguf(0n, 1n, list('a', STRING, 1n << 20n)),
      size: 64 * MB,
      says: /general\.architecture is missing/,
    },
    {
      name: 'one text more than is allowed',
      file: G,
      bytes: gguf(0n, 2n, list('a', STRING, 1n << 20n), new Uint8Array(8 * MB), list('b', STRING, 1n)),
      size: 64 * MB,
      says: /b has 1 texts, which is more than is supported/,
    },
    {
      name: 'a million texts of 24 letters',
      file: G,
      bytes: gguf(0n, 1n, list('a', STRING, 1n << 20n), texts(1 << 20, 'x'.repeat(24))),
      says: /general\.architecture is missing/,
    },
    {
      name: 'more bytes than are allowed',
      file: G,
      bytes: gguf(0n, 1n, list('a', U8, 1n << 26n)),
      size: 80 * MB,
      says: /the length of a is 67108864, but there is room for/,
    },
    {
      name: 'as many numbers as are allowed',
      file: G,
      bytes: gguf(0n, 1n, list('a', F64, 1n << 21n)),
      size: 64 * MB,
      says: /general\.architecture is missing/,
    },
    {
      name: 'a text of 100 MB',
      file: G,
      bytes: gguf(0n, 1n, Buffer.from(BigUint64Array.of(100n << 20n).buffer)),
      size: 200 * MB,
      says: /the length of a text is 104857600, but there is room/,
    },
    {
      name: 'a name of a megabyte in a message',
      file: G,
      bytes: ggufBytes(tinyGguf('llama', { tensors: [zeros('x'.repeat(MB), [1])] })),
      says: /contains the tensor x{80}…, which is not supported/,
    },
    {
      name: 'a key of a megabyte in a message',
      file: G,
      bytes: ggufBytes(tinyGguf('llama', { metadata: { ['x'.repeat(MB)]: 5 } })),
      says: /llama\.x+… is 5, which is not supported/,
    },
    {
      name: 'a token of a megabyte',
      file: G,
      bytes: ggufBytes(tinyGguf('llama', { general: pieces(['<unk>', '<s>', '</s>', 'a', 'a'.repeat(MB)]) })),
      says: /^The token \d of the GGUF file has 1048576 characters; 1024 are supported/,
    },
    {
      name: 'a token of a megabyte twice',
      file: G,
      bytes: ggufBytes(tinyGguf('llama', { general: vocabulary(['b'.repeat(MB), 'b'.repeat(MB)]) })),
      says: /^The token \d of the GGUF file has 1048576 characters; 1024 are supported/,
    },
    {
      name: 'a header of lists in lists',
      file: S,
      bytes: header('['.repeat(MB) + ']'.repeat(MB)),
      says: /the header has more than 3 levels/,
    },
    {
      name: 'a header of empty entries',
      file: S,
      bytes: header(`{${Array.from({ length: 180_000 }, (_, i) => `"${i}":0`).join()}}`),
      says: /0 has an entry that is not an object/,
    },
    {
      name: 'a header of empty objects',
      file: S,
      bytes: header(`{${Array.from({ length: 170_000 }, (_, i) => `"${i}":{}`).join()}}`),
      says: /0 has no dtype/,
    },
    {
      name: 'a shape of half a million sizes',
      file: S,
      bytes: header(`{"a":{"dtype":"F32","shape":[${'1,'.repeat(500_000)}1],"data_offsets":[0,4]}}`),
      size: 4 * MB,
      says: /a has no valid shape/,
    },
    {
      name: 'a header beyond the limit',
      file: S,
      bytes: header(' '.repeat(3 * MB)),
      says: /a header of 3145728 bytes is too long/,
    },
    {
      name: 'a name of a megabyte',
      file: S,
      bytes: header(`{"${'x'.repeat(MB)}":{"dtype":"I8"}}`),
      says: /x{80}… is stored as I8/,
    },
    {
      name: 'a type of a megabyte',
      file: S,
      bytes: header(`{"a":{"dtype":"${'x'.repeat(MB)}"}}`),
      says: /a is stored as x{20}…; only/,
    },
  ];
}

function write(folder: TinyFolder, { file, bytes, size = 0 }: Hostile): string {
  const path = join(folder.path, file);
  const handle = openSync(path, 'w');
  writeSync(handle, bytes);
  ftruncateSync(handle, Math.max(size, bytes.length));
  closeSync(handle);
  return path;
}

interface Report {
  message: string;
  /** Bytes that were claimed for buffers. */
  claimed: number;
}

async function open(path: string): Promise<Report> {
  const claimed = countBuffers();
  const message = await openEverything(path).then(
    () => 'opened',
    (error: unknown) => refusal(error) ?? `not one sentence: ${String(error).slice(0, 1000)}`,
  );
  return { message, claimed: claimed() };
}

if (typeof describe === 'undefined') {
  console.log(JSON.stringify(await open(process.argv[2]!)));
} else {
  describe('files that are made to take memory or time', function () {
    this.timeout(60_000);
    for (const hostile of hostileFiles()) {
      it(hostile.name, async () => {
        const folder = TinyFolder.model();
        try {
          const path = write(folder, hostile);
          // Of a large file, only the header counts.
          const size = Math.min(statSync(path).size, 40 * MB);
          const heap = Math.ceil(64 + size / MB);
          const opened = hostile.file === 'a.gguf' ? path : folder.path;
          const { message, claimed } = await runWithHeap<Report>(heap, fileURLToPath(import.meta.url), opened);
          assert.match(message, hostile.says);
          assert.ok(claimed < size + 64 * MB, `${claimed} bytes were claimed`);
        } finally {
          folder.remove();
        }
      });
    }
  });
}
