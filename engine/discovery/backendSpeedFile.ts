import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { version } from '../../package.json';
import type { SpeedKey } from '../load/loadedModel.ts';
import type { BackendSpeeds } from '../load/modelSpeed.ts';
import { replaceFile } from '../store/durable.ts';
import { makePrivate } from '../store/permissions.ts';

const speed = z.object({ prefill: z.number().positive(), decode: z.number().positive() });

/** What was measured by one version of the product. */
const content = z.object({
  version: z.literal(version),
  /** By GPU, driver, CPU and model. */
  speeds: z.record(z.string(), z.object({ gpu: speed, cpu: speed.optional() })),
});

/** How fast a model is on GPU and CPU, as it was measured before, from a file in the store's folder. */
export async function knownSpeeds(folder: string, key: SpeedKey): Promise<BackendSpeeds | undefined> {
  return (await readKnown(fileIn(folder)))[nameOf(key)];
}

/** Keeps it beside those of other models. Rejects where the folder cannot be written. */
export async function keepSpeeds(folder: string, key: SpeedKey, measured: BackendSpeeds): Promise<void> {
  const speeds = { ...(await readKnown(fileIn(folder))), [nameOf(key)]: measured };
  await makePrivate(folder);
  await replaceFile(fileIn(folder), JSON.stringify({ version, speeds }));
}

function fileIn(folder: string): string {
  return join(folder, 'backend-speeds.json');
}

function nameOf({ adapter, model }: SpeedKey): string {
  const hash = createHash('sha256').update(model).digest('hex').slice(0, 16);
  return `${hash} on ${adapter} and ${cpus().length} × ${cpus()[0]?.model ?? process.arch}`;
}

async function readKnown(file: string): Promise<Record<string, BackendSpeeds>> {
  try {
    return content.parse(JSON.parse(await readFile(file, 'utf8'))).speeds;
  } catch {
    return {};
  }
}
