/** The files of the workspace for suggestions: searched once and cached while the user types. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as vscode from 'vscode';
import { findFiles } from '../../files/vscode/findFiles.ts';
import { hiddenPatterns, isRefused, matchesAny } from '../../reading/vscode/exclusions.ts';
import { filesBelow } from './folder.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';

/** Matching this many paths against the typed text takes 0.1 s. */
const MOST_FILES = 50_000;
const KEPT_MS = 15_000;
/** Limit for file systems without a search service, whose folders are walked, possibly over a network. */
const MOST_WALKED = 2000;
/** Time after which a long loop yields to other work of the extension host. */
const SLICE_MS = 10;

export interface ProjectFile {
  readonly uri: vscode.Uri;
  readonly path: string;
}

export class ProjectFiles {
  #files: readonly ProjectFile[] = [];
  #foundMs = -Infinity;

  /** `excluded`: glob patterns of files that must not be read. */
  readonly #excluded: () => readonly string[];

  constructor(excluded: () => readonly string[]) {
    this.#excluded = excluded;
  }

  async all(signal: AbortSignal): Promise<readonly ProjectFile[]> {
    if (performance.now() - this.#foundMs < KEPT_MS) return this.#files;
    const uris = await this.#find(signal);
    const hidden = hiddenPatterns();
    const excluded = this.#excluded();
    const files: ProjectFile[] = [];
    await inSlices(uris, signal, (uri) => {
      if (!isRefused(uri, excluded) && !matchesAny(uri, hidden)) files.push({ uri, path: nameOf(uri) });
    });
    this.#foundMs = performance.now();
    this.#files = files;
    return files;
  }

  async #find(signal: AbortSignal): Promise<vscode.Uri[]> {
    const source = new vscode.CancellationTokenSource();
    const cancel = (): void => source.cancel();
    signal.addEventListener('abort', cancel);
    try {
      // The search does not understand nested braces; files that such patterns hide are removed afterwards.
      const plain = hiddenPatterns().filter((pattern) => !/[{},]/.test(pattern));
      const exclude = plain.length > 0 ? `{${plain.join(',')}}` : undefined;
      const { uris, unsearched } = await findFiles('**/*', { exclude, most: MOST_FILES, token: source.token });
      signal.throwIfAborted();
      return [...uris, ...(await this.#walk(unsearched, signal))];
    } finally {
      signal.removeEventListener('abort', cancel);
      source.dispose();
    }
  }

  async #walk(folders: readonly vscode.WorkspaceFolder[], signal: AbortSignal): Promise<vscode.Uri[]> {
    const excluded = this.#excluded();
    const found = await Promise.all(folders.map(({ uri }) => filesBelow(uri, { excluded, most: MOST_WALKED, signal })));
    return found.flatMap(({ files }) => files);
  }
}

/** Calls `work` for each item without blocking the extension host; rejects once the signal is aborted. */
export async function inSlices<T>(items: readonly T[], signal: AbortSignal, work: (item: T) => void): Promise<void> {
  let startedMs = performance.now();
  for (const item of items) {
    work(item);
    if (performance.now() - startedMs < SLICE_MS) continue;
    await nextTurn();
    signal.throwIfAborted();
    startedMs = performance.now();
  }
}
