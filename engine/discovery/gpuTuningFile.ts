import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { dependencies, version } from '../../package.json';
import type { KnownTuning } from '../load/openBackend.ts';
import { replaceFile } from '../store/durable.ts';
import { makePrivate } from '../store/permissions.ts';

/** By adapter, driver, and the versions of Dawn and of the kernels. */
const content = z.record(
  z.string(),
  z.object({
    /** Names of variants, by rows, shape and format. */
    chosen: z.record(z.string(), z.string()),
    /** Why a variant is not right, '' where it is, by product, format and name. */
    verdicts: z.record(z.string(), z.string()),
    macsPerMs: z.number().positive().optional(),
  }),
);

/** What was chosen on a GPU before; undefined where it was not tuned. `adapter` is its name and its driver. */
export async function knownTuning(folder: string, adapter: string): Promise<KnownTuning | undefined> {
  return (await readKnown(fileIn(folder)))[keyOf(adapter)];
}

/** Settles when all calls so far have: what one writes, the next must read. */
let kept: Promise<unknown> = Promise.resolve();

/** Keeps what was chosen for the shapes of a model, beside those of others. Rejects where the folder cannot be written. */
export function keepTuning(folder: string, adapter: string, tuning: KnownTuning): Promise<void> {
  const added = kept.then(() => add(folder, adapter, tuning));
  kept = added.catch(() => {});
  return added;
}

async function add(folder: string, adapter: string, tuning: KnownTuning): Promise<void> {
  const known = await readKnown(fileIn(folder));
  const before = known[keyOf(adapter)];
  const all = {
    chosen: { ...before?.chosen, ...tuning.chosen },
    verdicts: { ...before?.verdicts, ...tuning.verdicts },
    macsPerMs: tuning.macsPerMs ?? before?.macsPerMs,
  };
  await makePrivate(folder);
  await replaceFile(fileIn(folder), JSON.stringify({ ...known, [keyOf(adapter)]: all }));
}

function fileIn(folder: string): string {
  return join(folder, 'gpu-variants.json');
}

function keyOf(adapter: string): string {
  return `${adapter}, Dawn ${dependencies.webgpu}, Airgap ${version}`;
}

async function readKnown(file: string): Promise<Record<string, KnownTuning>> {
  try {
    return content.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}
