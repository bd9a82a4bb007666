import { readFile, stat } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { replaceFile } from '../store/durable.ts';
import { makePrivate } from '../store/permissions.ts';

const content = z.object({
  /** The machine that was measured. */
  processor: z.string(),
  memoryBytes: z.number(),
  bytesPerSecond: z.number().positive(),
});

/** A measurement on a busy machine is too low: a later one counts where it is higher. */
const DAY_MS = 24 * 3600 * 1000;

/**
 * The memory bandwidth of this machine in bytes per second, from a file in the store's folder. Where that is missing, from
 * another machine, or older than a day, `measure` runs. Without it, and where it fails, what the file says, else null.
 */
export async function knownBandwidth(folder: string, measure?: () => Promise<number>): Promise<number | null> {
  const file = join(folder, 'bandwidth.json');
  const machine = { processor: `${cpus().length} × ${cpus()[0]?.model ?? process.arch}`, memoryBytes: totalmem() };
  const known = await readKnown(file, machine);
  const measured = known?.isFresh ? 0 : ((await measure?.().catch(() => 0)) ?? 0);
  if (measured === 0) return known?.bytesPerSecond ?? null;
  const bytesPerSecond = Math.max(measured, known?.bytesPerSecond ?? 0);
  await makePrivate(folder)
    .then(() => replaceFile(file, JSON.stringify({ ...machine, bytesPerSecond })))
    .catch(() => undefined); // Where nothing can be written, the next list measures again.
  return bytesPerSecond;
}

async function readKnown(
  file: string,
  { processor, memoryBytes }: { readonly processor: string; readonly memoryBytes: number },
): Promise<{ bytesPerSecond: number; isFresh: boolean } | undefined> {
  try {
    const known = content.parse(JSON.parse(await readFile(file, 'utf8')));
    if (known.processor !== processor || known.memoryBytes !== memoryBytes) return undefined;
    const { mtimeMs } = await stat(file);
    return { bytesPerSecond: known.bytesPerSecond, isFresh: Math.abs(Date.now() - mtimeMs) < DAY_MS };
  } catch {
    return undefined;
  }
}
