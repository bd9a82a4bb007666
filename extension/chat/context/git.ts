/** The part of the API of VS Code's git extension (`vscode.git`, version 1) that the chat uses. */
import * as vscode from 'vscode';

export interface Repository {
  readonly rootUri: vscode.Uri;
  readonly inputBox: { value: string };
  readonly ui: { readonly selected: boolean };
  readonly state: {
    readonly workingTreeChanges: readonly GitChange[];
    /** Present only if git.untrackedChanges is "separate"; otherwise workingTreeChanges includes them. */
    readonly untrackedChanges?: readonly GitChange[];
  };
  /** `git diff`, or `git diff --cached`. */
  diff(cached: boolean): Promise<string>;
}

export interface GitChange {
  readonly uri: vscode.Uri;
  readonly status: number;
}

/** Values of the API's enumeration `Status`. */
export const UNTRACKED = 7;

interface GitApi {
  readonly state: 'uninitialized' | 'initialized';
  readonly onDidChangeState: vscode.Event<unknown>;
  readonly repositories: readonly Repository[];
}

/** Time limit for git to find the repositories after it has started. */
const START_LIMIT_MS = 5000;

/** All repositories of the workspace; rejects with a sentence if there are none or git is unavailable. */
export async function repositories(signal: AbortSignal): Promise<readonly Repository[]> {
  const api = await gitApi();
  await initialized(api, signal);
  if (api.repositories.length === 0) throw new Error(vscode.l10n.t('This workspace has no Git repository.'));
  return api.repositories;
}

async function gitApi(): Promise<GitApi> {
  const extension = vscode.extensions.getExtension<{ getAPI(version: 1): GitApi }>('vscode.git');
  try {
    // Throws if git is disabled or the workspace is not trusted.
    return (await extension!.activate()).getAPI(1);
  } catch (error) {
    throw new Error(vscode.l10n.t('Git is not available in this workspace.'), { cause: error });
  }
}

function initialized(api: GitApi, signal: AbortSignal): Promise<void> {
  if (api.state === 'initialized') return Promise.resolve();
  return new Promise<void>((resolve) => {
    const done = (): void => {
      listener.dispose();
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const listener = api.onDidChangeState(done);
    const timer = setTimeout(done, START_LIMIT_MS);
    signal.addEventListener('abort', done);
  }).then(() => signal.throwIfAborted());
}
