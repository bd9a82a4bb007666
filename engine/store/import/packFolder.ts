import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../sources/checkpoint.ts';
import type { HfFolder } from '../../sources/hfFolder.ts';
import { syncFolder } from '../durable.ts';
import type { StoredFile } from '../entry.ts';
import type { PackPlan } from './packPlan.ts';
import { type ColumnImportance, type PackOptions, packWeights } from './packWeights.ts';

/** The name under which folders of Hugging Face's layout have their weights. */
const WEIGHTS = 'model.safetensors';

/** Writes the packed model to an empty folder. Resolves with its files, which are safe on the disk; rejects as packWeights. */
export async function packFolder(
  source: HfFolder,
  checkpoint: Checkpoint,
  plan: PackPlan,
  folder: string,
  options: PackOptions,
  importance?: ColumnImportance,
): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const { name, bytes } of source.texts()) {
    const file = await open(join(folder, name), 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    files.push({ name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  const sha256 = await packWeights(checkpoint, plan, join(folder, WEIGHTS), options, importance);
  await syncFolder(folder);
  return [...files, { name: WEIGHTS, bytes: plan.bytes, sha256 }];
}
