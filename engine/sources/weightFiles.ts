import { BadModel } from '../errors.ts';
import type { FolderFiles } from './folderFiles.ts';
import { otherContent } from './otherContent.ts';
import { SafetensorsFile } from './safetensors.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** The index of a model with 80 layers has 100 kB. */
const MAX_INDEX_BYTES = 2 << 20;

/**
 * The safetensors files that hold a model's weights: model.safetensors, or the shards that the index or their names
 * tell. `names` are those of all files in the folder. Rejects with BadModel, in one sentence that says what is missing.
 */
export async function weightFiles(folder: FolderFiles, names: readonly string[]): Promise<string[]> {
  const index = names.includes(INDEX) ? readIndex(await folder.json(INDEX, MAX_INDEX_BYTES)) : undefined;
  const single = names.includes(SINGLE);
  if (!index) {
    if (single) return [SINGLE];
    const shards = shardsByName(names);
    if (shards.length > 0) return shards;
    throw new BadModel(
      otherContent(names) ?? `The folder contains neither ${SINGLE} nor ${INDEX}; was the download interrupted?`,
    );
  }
  const missing = index.files.filter((name) => !names.includes(name));
  if (!single) {
    if (missing.length > 0) throw new BadModel(missingShard(missing[0]!, index.files));
    return index.files;
  }
  // One of both is left over from another download. The file counts where it holds everything that the index lists.
  const file = await SafetensorsFile.open(await folder.open(SINGLE));
  await file.close();
  const stored = new Set(file.tensors.map(({ name }) => name));
  if (index.tensors.every((name) => stored.has(name)) || missing.length === index.files.length) return [SINGLE];
  if (missing.length > 0) throw new BadModel(missingShard(missing[0]!, index.files));
  return index.files;
}

function readIndex(json: unknown): { tensors: string[]; files: string[] } {
  const map: unknown = (json as { weight_map?: unknown } | null)?.weight_map;
  const entries = typeof map === 'object' && map !== null && !Array.isArray(map) ? Object.entries(map) : [];
  const names = [...new Set(entries.map(([, name]: [string, unknown]) => name))];
  // Only plain file names are accepted, so that an index cannot reach outside of its folder.
  const plain = (name: unknown): name is string => typeof name === 'string' && /^\w[\w.-]*\.safetensors$/.test(name);
  if (names.length === 0 || !names.every(plain)) throw new BadModel(`${INDEX} has no valid weight_map.`);
  return { tensors: entries.map(([name]) => name), files: names.sort() };
}

const SHARD = /^model-(\d{5})-of-(\d{5})\.safetensors$/;

/** The shards of a model whose index is missing. */
function shardsByName(names: readonly string[]): string[] {
  const shards = names.filter((name) => SHARD.test(name)).sort();
  const counts = new Set(shards.map((name) => SHARD.exec(name)![2]!));
  if (shards.length === 0) return [];
  if (counts.size > 1)
    throw new BadModel(`The folder contains shards of several models, such as ${shards[0]} and ${shards.at(-1)}.`);
  const [digits] = counts;
  const all = Array.from(
    { length: Math.min(Number(digits), shards.length + 1) },
    (_, i) => `model-${String(i + 1).padStart(5, '0')}-of-${digits}.safetensors`,
  );
  const missing = all.find((name) => !shards.includes(name));
  if (missing) throw new BadModel(missingShard(missing, []));
  return shards;
}

function missingShard(name: string, files: readonly string[]): string {
  const [, number, count] = SHARD.exec(name) ?? [];
  const which = number
    ? `Shard ${Number(number)} of ${Number(count)}`
    : `Shard ${files.indexOf(name) + 1} of ${files.length}`;
  return `${which} is missing (${name}); was the download interrupted?`;
}
