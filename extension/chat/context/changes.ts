/** Changes as git reports them: one source per file, and the names of files that are left out. */
import * as vscode from 'vscode';
import type { Source } from './attachment.ts';
import { splitDiff } from './diff.ts';
import { isRefused } from '../../reading/vscode/exclusions.ts';
import { type Repository, repositories, UNTRACKED } from './git.ts';
import { oneLine } from '../../reading/plainText.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';

/** More than any context window holds. */
const MOST_CHARACTERS = 1_000_000;

/** Changes of all repositories: only those `staged`, or everything uncommitted. Rejects if nothing has changed. */
export async function changeSources(
  { staged = false }: { staged?: boolean },
  excluded: readonly string[],
  signal: AbortSignal,
): Promise<Source[]> {
  const found = await Promise.all(
    (await repositories(signal)).map(async (repository) => [
      ...(await diffSources(repository, true, excluded)),
      ...(staged ? [] : await diffSources(repository, false, excluded)),
      ...(staged ? [] : untracked(repository, excluded)),
    ]),
  );
  signal.throwIfAborted();
  const { t } = vscode.l10n;
  if (found.flat().length === 0) {
    throw new Error(staged ? t('No changes are staged.') : t('There are no changes since the last commit.'));
  }
  return found.flat();
}

/** The staged or the unstaged changes of one repository; empty if there are none. */
export async function diffSources(
  repository: Repository,
  staged: boolean,
  excluded: readonly string[],
): Promise<Source[]> {
  const sources: Source[] = [];
  const leftOut: string[] = [];
  let characters = 0;
  for (const { path, paths, text } of splitDiff(await repository.diff(staged))) {
    const uris = paths.map((each) => vscode.Uri.joinPath(repository.rootUri, each));
    const name = nameOf(vscode.Uri.joinPath(repository.rootUri, path));
    characters += text.length;
    if (uris.some((uri) => isRefused(uri, excluded))) leftOut.push(`${name} (may hold secrets, or is excluded)`);
    else if (characters > MOST_CHARACTERS) leftOut.push(`${name} (too large)`);
    else sources.push(source(`${name} (${staged ? 'staged changes' : 'changes'})`, text));
  }
  if (leftOut.length > 0) sources.push(source('changes that are left out', leftOut.join('\n')));
  return sources;
}

/** Lists new files: they have no diff, but the model should know that they exist. */
function untracked({ state }: Repository, excluded: readonly string[]): Source[] {
  const changes = [...state.workingTreeChanges, ...(state.untrackedChanges ?? [])];
  const files = changes.filter(({ uri, status }) => status === UNTRACKED && !isRefused(uri, excluded));
  const names = files.map(({ uri }) => nameOf(uri));
  return names.length === 0 ? [] : [source('new files that git does not know yet', names.join('\n'))];
}

function source(name: string, text: string): Source {
  return { name: oneLine(name), text, uri: '', firstLine: 1 };
}
