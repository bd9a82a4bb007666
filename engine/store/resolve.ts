import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { BadModel } from '../errors.ts';
import { openStore } from './store.ts';
import type { StorePlaces } from './places.ts';

/**
 * The absolute path of the model that a user names: by a path, or by its name or id in the store. A name without any
 * slash means the store's model first, so that a folder of the project at hand cannot take its place. Rejects with
 * BadModel where there is neither.
 */
export async function resolveModel(named: string, places: StorePlaces): Promise<string> {
  const isPath = isAbsolute(named) || /[/\\]|^\.{1,2}$/.test(named);
  const entry = isPath ? undefined : await (await openStore(places)).find(named);
  if (entry) return entry.path;
  const path = resolve(named);
  // openSource has a sentence for each thing that a path may lead to.
  if (isPath || (await stat(path).catch(() => null))) return path;
  throw new BadModel(`${named} is neither the path of a model nor one in the store; "airgap models" lists those.`);
}
