import { throwIfAborted } from '../errors.ts';
import type { ListedModel } from '../wire/models.ts';
import { type Listing, type Machine, describeModel } from './describe.ts';
import { type ModelFiles, modelFiles } from './modelFiles.ts';

/** Headers are parsed on one thread; more at once only overlap reading. */
const AT_ONCE = 4;

/**
 * Phi-3-mini-4k-instruct-q4.gguf as Microsoft published it, which is suggested first. A program that states no hash for
 * its file is believed where the size is the same to the byte.
 */
const SUGGESTED = { bytes: 2_393_231_072, sha256: '8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef' };

/**
 * Describes models for a list: each file once, by the first of its listings, and by a path that the user has named. What
 * runs comes before what does not, and the suggested model before all others that run; otherwise the order stays. Rejects with
 * Cancelled.
 */
export async function listModels(
  listings: readonly Listing[],
  machine: Machine,
  signal?: AbortSignal,
): Promise<ListedModel[]> {
  const once = await withoutDuplicates(listings, machine, signal);
  const described: { model: ListedModel; rank: number }[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < once.length; i = next++) {
      throwIfAborted(signal);
      const { listing, files } = once[i]!;
      const model = await describeModel(listing, files, machine);
      described[i] = { model, rank: model.problem === null ? (isSuggested(listing, model) ? 0 : 1) : 2 };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return described.sort((a, b) => a.rank - b.rank).map(({ model }) => model);
}

interface Found {
  readonly listing: Listing;
  readonly files: ModelFiles;
}

async function withoutDuplicates(
  listings: readonly Listing[],
  { disk }: Machine,
  signal: AbortSignal | undefined,
): Promise<Found[]> {
  const once: Found[] = [];
  const [files, paths] = [new Set<string>(), new Set<string>()];
  for (const listing of listings) {
    throwIfAborted(signal);
    const { path, program, problem } = listing;
    const ofModel = problem === undefined ? await modelFiles(disk, path) : { paths: [], bytes: 0 };
    const [first = path] = ofModel.paths;
    const file = (await disk.realPath(first)) ?? first;
    if (paths.has(path) || (files.has(file) && program !== 'named')) continue;
    files.add(file);
    paths.add(path);
    once.push({ listing, files: ofModel });
  }
  return once;
}

function isSuggested({ sha256 }: Listing, { bytes }: ListedModel): boolean {
  return sha256 === undefined ? bytes === SUGGESTED.bytes : sha256 === SUGGESTED.sha256;
}
