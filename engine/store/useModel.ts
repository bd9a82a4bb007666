import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { leaveMark } from './marks.ts';
import { ENTRY } from './readModels.ts';

/**
 * Says in the user's store that this process has the model at `path` loaded, so that removing it asks first. Resolves
 * with what takes the mark back. Does nothing for a model outside of a store, or in one that cannot be written to.
 */
export async function useModel(path: string): Promise<() => Promise<void>> {
  for (const folder of [path, dirname(path)]) {
    const models = dirname(folder);
    if (basename(models) !== 'models' || !(await stat(join(folder, ENTRY)).catch(() => null))) continue;
    const purpose = `${basename(folder).toLowerCase()}.use`;
    const mark = await leaveMark(join(dirname(models), 'marks'), purpose).catch(() => null);
    if (mark) return () => mark.remove();
  }
  return async () => undefined;
}
