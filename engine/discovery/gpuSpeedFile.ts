import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { GpuSpeed } from '../load/openBackend.ts';
import { replaceFile } from '../store/durable.ts';
import { makePrivate } from '../store/permissions.ts';

const rate = z.number().positive();

/** By adapter and driver. */
const content = z.record(
  z.string(),
  z.object({
    copyBytesPerSecond: rate,
    f32MacsPerSecond: rate,
    f16MacsPerSecond: rate.optional(),
    byteMacsPerSecond: rate.optional(),
    dispatchSeconds: z.number().nonnegative(),
    roundTripSeconds: rate,
    byTimestamps: z.boolean(),
  }),
);

/**
 * The speed of a GPU, `adapter` being its name and its driver, from a file in the store's folder. Where that does not say
 * it, `measure` runs. Rejects as that does.
 */
export async function knownGpuSpeed(
  folder: string,
  adapter: string,
  measure: () => Promise<GpuSpeed>,
): Promise<GpuSpeed> {
  const file = join(folder, 'gpu-speeds.json');
  const known = await readKnown(file);
  const speed = known[adapter] ?? (await measure());
  if (!known[adapter]) {
    await makePrivate(folder)
      .then(() => replaceFile(file, JSON.stringify({ ...known, [adapter]: speed })))
      .catch(() => undefined); // Where nothing can be written, the next report measures again.
  }
  return speed;
}

async function readKnown(file: string): Promise<Record<string, GpuSpeed>> {
  try {
    return content.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}
