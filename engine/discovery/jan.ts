/**
 * Jan's models: DATA/llamacpp/models/ID/model.yml names the GGUF file, in Jan's data folder or anywhere else. Checked
 * against github.com/janhq/jan: src-tauri/src/core/app/commands.rs at 00e7925a (resolve_jan_data_folder,
 * resolve_config_file_path), models.rs at 32070d7d, and extensions/llamacpp-extension/src/index.ts at 983de336 (list, get,
 * import).
 */
import { join, relative, resolve, sep } from 'node:path';
import * as z from 'zod';
import type { Candidate, Search } from './search.ts';

const settingsFile = z.object({ data_folder: z.string().min(1) });

export async function jan(search: Search): Promise<Candidate[]> {
  const found: Candidate[] = [];
  const data = await dataFolder(search);
  const root = join(data, 'llamacpp', 'models');
  for await (const { folder, entries } of search.folders(root)) {
    if (!entries.some(({ name, kind }) => name === 'model.yml' && kind === 'file')) continue;
    const name = relative(root, folder).split(sep).join('/');
    const yaml = (await search.text(join(folder, 'model.yml'))) ?? '';
    const path = yamlText(yaml, 'model_path');
    const file = path === undefined ? undefined : search.local(resolve(data, path));
    const problem = file === undefined ? `Jan's model.yml of ${name} names no file on this computer.` : undefined;
    const sha256 = yamlText(yaml, 'model_sha256');
    found.push({ path: file ?? folder, name, program: 'jan', sha256, problem });
  }
  return found;
}

async function dataFolder(search: Search): Promise<string> {
  const named = search.local(search.env('JAN_DATA_FOLDER'));
  if (named !== undefined) return named;
  const settings = ['Jan', 'jan.ai.app'].map((name) => search.roamingData(name, 'settings.json'));
  if (search.computer.platform === 'linux') settings.push(search.config('Jan', 'settings.json'));
  for (const path of settings) {
    const folder = search.local((await search.json(path, settingsFile))?.data_folder);
    if (folder !== undefined) return folder;
  }
  return search.roamingData('Jan', 'data');
}

/** A text at the top level of a YAML file, which stands on one line: plain, or in quotes of either kind. */
function yamlText(yaml: string, key: string): string | undefined {
  const value = RegExp(`^${key}:[ \\t]+(.*?)[ \\t]*\\r?$`, 'm').exec(yaml)?.[1];
  if (value === undefined || value === '' || /^(null|~)$/.test(value)) return undefined;
  const single = /^'(.*)'$/.exec(value)?.[1];
  if (single !== undefined) return single.replaceAll("''", "'");
  const double = /^"(.*)"$/.exec(value)?.[1];
  return double === undefined ? value : double.replace(/\\(["\\/])/g, '$1');
}
