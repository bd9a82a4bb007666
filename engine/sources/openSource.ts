import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BadModel } from '../errors.ts';
import type { ModelReference } from '../wire/protocol.ts';
import { GgufModel } from './gguf/ggufModel.ts';
import { ggufModels } from './gguf/modelNames.ts';
import { HfFolder } from './hfFolder.ts';
import { refuseLinkOutside } from './links.ts';
import { quoted } from './quoted.ts';
import { RandomModel } from './random.ts';
import type { ModelSource } from './source.ts';

/**
 * Opens the model that a reference names: a GGUF file, a folder in Hugging Face's layout, or a folder with one GGUF
 * model. Every file format has its branch here. Rejects with BadModel.
 */
export async function openSource(reference: ModelReference): Promise<ModelSource> {
  if (typeof reference !== 'string') return new RandomModel(reference);
  const info = await stat(reference).catch(() => null);
  if (!info) throw new BadModel(`${quoted(reference, 400)} does not exist.`);
  return info.isDirectory() ? openFolder(reference) : openFile(reference);
}

async function openFile(path: string): Promise<ModelSource> {
  if (/\.gguf$/i.test(path) || (await hasGgufMagic(path))) return GgufModel.open(path);
  throw new BadModel(
    `${quoted(path, 400)} is neither a GGUF file nor the folder of a model with config.json and weights.`,
  );
}

/** Other programs store GGUF files under names of their own. */
async function hasGgufMagic(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  const file = await open(path, 'r').catch(() => null);
  const magic = Buffer.alloc(4);
  await file?.read(magic, 0, 4, 0).catch(() => null);
  await file?.close();
  return magic.toString('latin1') === 'GGUF';
}

async function openFolder(path: string): Promise<ModelSource> {
  const names = await readdir(path).catch(() => {
    throw new BadModel(`The folder ${quoted(path, 400)} cannot be read.`);
  });
  const models = ggufModels(names);
  // Folders of GGUF files often have a config.json as well, but no other weights.
  const hf =
    names.includes('config.json') && (models.length === 0 || names.some((name) => name.endsWith('.safetensors')));
  if (models.length === 0 && !hf && names.includes('snapshots')) return openCached(path);
  if (hf || models.length === 0) return new HfFolder(path);
  if (models.length === 1) {
    await refuseLinkOutside(path, models[0]!);
    return GgufModel.open(join(path, models[0]!));
  }
  throw new BadModel(
    `${quoted(basename(path))} contains several models: ${listed(models)}; choose one of these files.`,
  );
}

/** Opens the folder of a model in Hugging Face's cache, which has a folder for each of its revisions. */
async function openCached(path: string): Promise<ModelSource> {
  const revisions = await readdir(join(path, 'snapshots')).catch(() => []);
  if (revisions.length === 1) return openFolder(join(path, 'snapshots', revisions[0]!));
  throw new BadModel(
    `${quoted(basename(path))} has ${revisions.length} revisions of a model; choose one of the folders in its folder snapshots.`,
  );
}

function listed(names: readonly string[]): string {
  const most = 5;
  const shown = names.slice(0, most).map((name) => quoted(name));
  if (names.length > most) shown.push(`${names.length - most} more`);
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
