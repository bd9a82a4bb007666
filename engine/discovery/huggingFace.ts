/**
 * Hugging Face's cache: models--ORGANISATION--NAME/snapshots/REVISION/ has links to the files in blobs/, or on Windows
 * mostly the files themselves, and refs/ says which revision a branch is at. Checked against
 * github.com/huggingface/huggingface_hub at ee0a4510: src/huggingface_hub/constants.py (the variables),
 * utils/_cache_manager.py (the layout) and docs/source/en/guides/manage-cache.md.
 */
import { basename, join } from 'node:path';
import type { ListedModel } from '../wire/models.ts';
import { modelsBelow } from './modelsBelow.ts';
import type { Candidate, Search } from './search.ts';

export async function huggingFace(search: Search): Promise<Candidate[]> {
  return cachedModels(search, cacheFolder(search), 'huggingFace');
}

/** The models in a cache of this layout, which other programs use too. Those of the branch `main` come first. */
export async function cachedModels(search: Search, cache: string, program: ListedModel['place']): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const { name: folder, kind } of await search.list(cache)) {
    const repository = /^models--(.+)$/.exec(folder)?.[1]?.replaceAll('--', '/');
    if (kind !== 'folder' || repository === undefined) continue;
    const main = (await search.text(join(cache, folder, 'refs', 'main')))?.trim();
    const snapshots = join(cache, folder, 'snapshots');
    const revisions = (await search.list(snapshots)).filter((entry) => entry.kind === 'folder');
    revisions.sort((a, b) => Number(b.name === main) - Number(a.name === main));
    for (const { name: revision } of revisions) {
      const suffix = revision === main || revisions.length === 1 ? '' : `@${revision.slice(0, 7)}`;
      for (const { path, name } of await modelsBelow(search, join(snapshots, revision))) {
        found.push({
          path,
          name: `${repository}${suffix}${name && `/${name}`}`,
          program,
          sha256: await statedHash(search, path),
        });
      }
    }
  }
  return found;
}

/** Blobs of large files are named by their SHA-256. */
async function statedHash(search: Search, path: string): Promise<string | undefined> {
  const real = await search.disk.realPath(path);
  return /^[0-9a-f]{64}$/.exec(basename(real ?? ''))?.[0];
}

function cacheFolder(search: Search): string {
  const cache = expanded(search, search.env('HF_HUB_CACHE') ?? search.env('HUGGINGFACE_HUB_CACHE'));
  const home = expanded(search, search.env('HF_HOME')) ?? search.cache('huggingface');
  return cache ?? join(home, 'hub');
}

/** With ~ and variables replaced, as Python's expanduser and expandvars do it. */
function expanded(search: Search, path: string | undefined): string | undefined {
  const whole = path
    ?.replace(/^~(?=$|[/\\])/, () => search.computer.home)
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (text, a?: string, b?: string) => search.computer.env[a ?? b!] ?? text);
  return search.local(whole);
}
