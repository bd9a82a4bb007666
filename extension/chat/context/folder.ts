/** The files of a folder as sources: the ones changed last, up to limits, and a list that names the others too. */
import ignore, { type Ignore } from 'ignore';
import * as vscode from 'vscode';
import type { Source } from '../conversation/parts.ts';
import { hiddenPatterns, isRefused, matchesAny } from '../../reading/vscode/exclusions.ts';
import { nameOf, textOf } from '../../reading/vscode/textOf.ts';

/** Beyond these a prompt would be mostly list. */
const MOST_FILES = 200;
const MOST_CHARACTERS = 1_000_000;
/** Larger ones are data or generated, as a rule; @file takes them. */
const LARGEST_BYTES = 200_000;
/** Entries that are looked at. */
const MOST_ENTRIES = 5000;

interface Entry {
  readonly uri: vscode.Uri;
  readonly changedMs: number;
  readonly bytes: number;
}

/** Rejects with a sentence where the folder holds nothing that can be read. */
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
 * The files below a folder, without what is hidden, refused or ignored by git, and without links, which may lead
 * anywhere. Not through the search service, which file systems of other extensions need not have.
 */
export async function filesBelow(
  folder: vscode.Uri,
  { excluded, most, signal }: { excluded: readonly string[]; most: number; signal: AbortSignal },
): Promise<{ files: vscode.Uri[]; complete: boolean }> {
  const files: vscode.Uri[] = [];
  const hidden = hiddenPatterns(folder);
  const folders = [{ uri: folder, rules: await rulesAbove(folder) }];
  for (let seen = 0; folders.length > 0;) {
    const { uri, rules } = folders.shift()!;
    const entries = await vscode.workspace.fs.readDirectory(uri).then(undefined, () => []);
    signal.throwIfAborted();
    const own = entries.some(([name]) => name === '.gitignore') ? [...rules, await rulesOf(uri)] : rules;
    for (const [name, type] of entries.toSorted()) {
      const child = vscode.Uri.joinPath(uri, name);
      if (++seen > most) return { files, complete: false };
      if (name === '.git' || matchesAny(child, hidden) || isIgnored(child, type, own)) continue;
      if (type === vscode.FileType.Directory) folders.push({ uri: child, rules: own });
      else if (type === vscode.FileType.File && !isRefused(child, excluded)) files.push(child);
    }
  }
  return { files, complete: true };
}

interface Rules {
  readonly folder: vscode.Uri;
  readonly ignore: Ignore;
}

/** Of the folders from the workspace's down to, and without, this one. */
async function rulesAbove(folder: vscode.Uri): Promise<Rules[]> {
  const root = vscode.workspace.getWorkspaceFolder(folder)?.uri;
  if (!root || !folder.path.startsWith(`${root.path}/`)) return [];
  const parts = folder.path.slice(root.path.length + 1).split('/');
  return Promise.all(parts.map((_, i) => rulesOf(vscode.Uri.joinPath(root, ...parts.slice(0, i)))));
}

async function rulesOf(folder: vscode.Uri): Promise<Rules> {
  const file = vscode.Uri.joinPath(folder, '.gitignore');
  const bytes = await vscode.workspace.fs.readFile(file).then(undefined, () => new Uint8Array());
  return { folder, ignore: ignore().add(new TextDecoder().decode(bytes)) };
}

/** The innermost .gitignore that says something about the path decides. */
function isIgnored({ path }: vscode.Uri, type: vscode.FileType, rules: readonly Rules[]): boolean {
  for (const { folder, ignore } of rules.toReversed()) {
    const relative = path.slice(folder.path.replace(/\/$/, '').length + 1);
    const { ignored, unignored } = ignore.test(type === vscode.FileType.Directory ? `${relative}/` : relative);
    if (ignored || unignored) return ignored;
  }
  return false;
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
