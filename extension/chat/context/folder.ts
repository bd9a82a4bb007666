/** The files of a folder as sources: the most recently changed, up to limits, and a list of all names. */
import * as vscode from 'vscode';
import type { Source } from './attachment.ts';
import { fileSystemOf } from '../../files/vscode/workspaceFiles.ts';
import { GitIgnore } from '../../reading/gitIgnore.ts';
import { hiddenPatterns, isRefused, matchesAny } from '../../reading/vscode/exclusions.ts';
import { nameOf, textOf } from '../../reading/vscode/textOf.ts';
import { walk } from '../../reading/walk.ts';

/** With more, the prompt would consist mostly of the list. */
const MOST_FILES = 200;
const MOST_CHARACTERS = 1_000_000;
/** Larger files are usually data or generated; @file accepts them. */
const LARGEST_BYTES = 200_000;
/** Maximum number of directory entries that are examined. */
const MOST_ENTRIES = 5000;

interface Entry {
  readonly uri: vscode.Uri;
  readonly changedMs: number;
  readonly bytes: number;
}

/** Rejects with a sentence if the folder contains nothing readable. */
export async function folderSources(
  folder: vscode.Uri,
  excluded: readonly string[],
  signal: AbortSignal,
): Promise<Source[]> {
  const { files, complete } = await filesBelow(folder, { excluded, most: MOST_ENTRIES, signal });
  const entries = await Promise.all(files.map(entryOf));
  signal.throwIfAborted();
  const known = entries.filter((entry) => entry !== undefined).sort((a, b) => b.changedMs - a.changedMs);
  const sources: Source[] = [];
  const leftOut: string[] = [];
  let characters = 0;
  for (const { uri, bytes } of known) {
    const room = sources.length < MOST_FILES && characters + bytes <= MOST_CHARACTERS;
    const why = bytes > LARGEST_BYTES ? 'large' : room ? undefined : 'no room';
    const text = why === undefined ? await textOrReason(uri, excluded, signal) : { reason: why };
    if ('reason' in text) leftOut.push(`${nameOf(uri)} (left out: ${text.reason})`);
    else sources.push({ name: nameOf(uri), text: text.text, uri: uri.toString(), firstLine: 1 });
    characters += 'text' in text ? text.text.length : 0;
  }
  if (sources.length === 0) throw new Error(vscode.l10n.t('{0} contains no files that can be read.', nameOf(folder)));
  if (!complete) leftOut.push(`(more than ${MOST_ENTRIES} entries; the rest is left out)`);
  return [listOf(folder, sources, leftOut), ...sources];
}

/**
 * The files below a folder, except those that are hidden, refused or ignored by git, and except links, which may lead
 * anywhere. Does not use the search service, which other extensions' file systems may lack.
 */
export async function filesBelow(
  folder: vscode.Uri,
  { excluded, most, signal }: { excluded: readonly string[]; most: number; signal: AbortSignal },
): Promise<{ files: vscode.Uri[]; complete: boolean }> {
  const hidden = hiddenPatterns(folder);
  const root = vscode.workspace.getWorkspaceFolder(folder)?.uri ?? folder;
  const fileSystem = fileSystemOf(folder);
  const found = walk(fileSystem, folder.path, {
    git: new GitIgnore(fileSystem, root.path),
    skips(path, isFolder, ignored) {
      const uri = folder.with({ path });
      return ignored || matchesAny(uri, hidden) || (!isFolder && isRefused(uri, excluded));
    },
    mostEntries: most,
    signal,
  });
  const files: vscode.Uri[] = [];
  let next = await found.next();
  for (; !next.done; next = await found.next()) files.push(folder.with({ path: next.value }));
  return { files, complete: next.value };
}

async function entryOf(uri: vscode.Uri): Promise<Entry | undefined> {
  const stat = await vscode.workspace.fs.stat(uri).then(undefined, () => undefined);
  return stat && { uri, changedMs: stat.mtime, bytes: stat.size };
}

async function textOrReason(
  uri: vscode.Uri,
  excluded: readonly string[],
  signal: AbortSignal,
): Promise<{ text: string } | { reason: string }> {
  try {
    return { text: (await textOf(uri, excluded, signal)).text };
  } catch {
    signal.throwIfAborted();
    return { reason: 'not text' };
  }
}

function listOf(folder: vscode.Uri, sources: readonly Source[], leftOut: readonly string[]): Source {
  const text = [...sources.map(({ name }) => name), ...leftOut].join('\n');
  return { name: `files of ${nameOf(folder)}/`, text, uri: '', firstLine: 1 };
}
