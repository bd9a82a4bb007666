/**
 * LM Studio's models: PUBLISHER/MODEL/FILE in the folder that settings.json names, else in `models`, in LM Studio's home.
 * Checked against github.com/lmstudio-ai/lmstudio-js at 6ec11db1 (packages/lms-common-server/src/findLMStudioHome.ts),
 * github.com/lmstudio-ai/lms at 07b7252d (src/subcommands/importCmd.ts, src/lmstudioPaths.ts) and
 * github.com/lmstudio-ai/docs at c6854fba (0_app/5_advanced/import-model.md).
 */
import { join } from 'node:path';
import * as z from 'zod';
import { modelsBelow } from './modelsBelow.ts';
import type { Candidate, Search } from './search.ts';

const settingsFile = z.object({ downloadsFolder: z.string().min(1) });

export async function lmStudio(search: Search): Promise<Candidate[]> {
  const home = await homeFolder(search);
  const settings = await search.json(join(home, 'settings.json'), settingsFile);
  const folder = search.local(settings?.downloadsFolder) ?? join(home, 'models');
  const models = await modelsBelow(search, folder);
  return models.map(({ path, name }) => ({ path, name, program: 'lmStudio' }));
}

async function homeFolder(search: Search): Promise<string> {
  const pointer = search.local((await search.text(search.home('.lmstudio-home-pointer')))?.trim());
  if (pointer !== undefined) return pointer;
  const older = search.home('.cache', 'lm-studio');
  return (await search.disk.stat(older)) ? older : search.home('.lmstudio');
}
