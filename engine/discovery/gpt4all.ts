/**
 * GPT4All's models: GGUF files in its folder for local data, or where its settings say, and those of its Python library.
 * Checked against github.com/nomic-ai/gpt4all at cd70db29: gpt4all-chat/src/mysettings.cpp (defaultLocalModelsPath,
 * modelPath), main.cpp (names, INI format), modellist.cpp (processModelDirectory, incomplete-),
 * gpt4all-bindings/python/gpt4all/gpt4all.py, docs/gpt4all_desktop/settings.md; and Qt's documentation of QSettings (the
 * places and the escapes of INI files) and of QStandardPaths (AppLocalDataLocation).
 */
import { basename } from 'node:path';
import { modelsBelow } from './modelsBelow.ts';
import type { Candidate, Search } from './search.ts';

export async function gpt4all(search: Search): Promise<Candidate[]> {
  const found: Candidate[] = [];
  const folder = search.local(await namedFolder(search)) ?? search.localData('nomic.ai', 'GPT4All');
  for (const root of [folder, search.home('.cache', 'gpt4all')]) {
    for (const { path, name } of await modelsBelow(search, root)) {
      // A download that has not ended.
      if (!basename(path).startsWith('incomplete')) found.push({ path, name, program: 'gpt4all' });
    }
  }
  return found;
}

/** The folder that the user chose in GPT4All. */
async function namedFolder(search: Search): Promise<string | undefined> {
  for (const path of settingsFiles(search)) {
    const general = /^\[General\]\r?\n((?:(?!\[).*(?:\r?\n|$))*)/m.exec((await search.text(path)) ?? '')?.[1];
    const value = /^modelPaths?=(.+?)\r?$/m.exec(general ?? '')?.[1];
    if (value !== undefined) return unescaped(value);
  }
  return undefined;
}

function settingsFiles(search: Search): string[] {
  const { platform } = search.computer;
  if (platform === 'win32') return [search.roamingData('nomic.ai', 'GPT4All.ini')];
  // On macOS, Qt names the folder by the organisation's domain.
  const folders = platform === 'darwin' ? ['gpt4all.io', 'nomic.ai'] : ['nomic.ai'];
  return folders.map((name) => search.config(name, 'GPT4All.ini'));
}

/** A value as Qt writes it: quoted where it has special characters, with \xHHHH for some of them. */
function unescaped(value: string): string {
  const text = value.trim().replace(/^"(.*)"$/, '$1');
  return text.replace(/\\(?:x([0-9a-f]{1,4})|(.))/gi, (_, code?: string, character?: string) =>
    code === undefined ? character! : String.fromCharCode(parseInt(code, 16)),
  );
}
