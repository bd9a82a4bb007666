import { execFile } from 'node:child_process';
import { BadModel } from '../../../engine/errors.ts';
import { readBlueprint } from '../../../engine/models/architectures.ts';
import { parseGenerationConfig } from '../../../engine/sources/generationConfig.ts';
import { openSource } from '../../../engine/sources/openSource.ts';
import { createTokenizer } from '../../../engine/tokenizer/tokenizer.ts';

/** Opens everything of a model that is read before the weights are loaded, and a few bytes of each tensor. */
export async function openEverything(path: string): Promise<void> {
  const source = await openSource(path);
  readBlueprint(await source.config());
  parseGenerationConfig(await source.generationConfig());
  const { tokenizerJson, tokenizerConfig } = await source.tokenizerFiles();
  if (tokenizerJson !== undefined) createTokenizer({ tokenizerJson, tokenizerConfig }).dispose();
  const checkpoint = await source.checkpoint();
  try {
    for (const [name, { bytes }] of checkpoint.tensors) {
      const some = new Uint8Array(Math.min(bytes, 4));
      await checkpoint.read(name, bytes - some.length, some);
    }
  } finally {
    await checkpoint.close();
  }
  await source.fingerprint();
}

/** The sentence with which opening was refused; undefined where an error is not a refusal in one sentence. */
export function refusal(error: unknown): string | undefined {
  return error instanceof BadModel && /^[^\n\r\u2028]{10,600}[.?]$/.test(error.message) ? error.message : undefined;
}

/** Adds up what is claimed with Buffer.alloc from now on; the returned function says how much that is. */
export function countBuffers(): () => number {
  let claimed = 0;
  const { alloc } = Buffer;
  Buffer.alloc = (size: number, ...rest: []) => {
    claimed += size;
    return alloc(size, ...rest);
  };
  return () => claimed;
}

/**
 * Runs a test file as a program, with a heap of `megabytes`, and gives the JSON that it prints. Rejects with what it writes
 * to standard error.
 */
export function runWithHeap<T>(megabytes: number, script: string, ...args: string[]): Promise<T> {
  return new Promise((done, fail) => {
    const command = [`--max-old-space-size=${megabytes}`, script, ...args];
    execFile(process.execPath, command, (error, stdout, stderr) =>
      error ? fail(new Error(stderr.slice(0, 3000) || String(error))) : done(JSON.parse(stdout) as T),
    );
  });
}
