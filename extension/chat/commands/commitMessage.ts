/** Has the model write a commit message into the source control view's input. */
import * as vscode from 'vscode';
import { abortControllerFor } from '../../common/abortSignal.ts';
import { textTurn } from '../../../engine/wire/chatTurns.ts';
import type { FitResult } from '../../../engine/wire/protocol.ts';
import type { Settings } from '../../settings.ts';
import { cleanCommitMessage } from './cleanCommitMessage.ts';
import { diffSources } from '../context/changes.ts';
import { type Repository, repositories } from '../context/git.ts';
import type { ChatModel } from '../../engine/engine.ts';
import type { Source } from '../context/attachment.ts';
import { slashCommand } from './slash.ts';

/** Enough for a first line and a short body. */
const LONGEST_TOKENS = 256;

export interface CommitMessageHost {
  readonly model: ChatModel;
  readonly settings: Pick<Settings, 'files.exclude'>;
}

/** Asks before replacing a message, and restores it if nothing is written. Rejects with a sentence for the user. */
export async function writeCommitMessage(host: CommitMessageHost, root: vscode.Uri | undefined): Promise<void> {
  const repository = await chosenRepository(root);
  const sources = repository && (await describedChanges(repository, host.settings['files.exclude']));
  if (!sources || !(await mayReplace(repository.inputBox.value))) return;
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Writing a commit message'),
      cancellable: true,
    },
    async (progress, token) => {
      const abort = abortControllerFor(token);
      const report = (message: string): void => progress.report({ message });
      await write(host.model, repository, sources, { abort, report });
    },
  );
}

/** The repository whose button was clicked, else the only one, else the one that the user picks. */
async function chosenRepository(root: vscode.Uri | undefined): Promise<Repository | undefined> {
  const all = await repositories(new AbortController().signal);
  const named = root && all.find(({ rootUri }) => rootUri.toString() === root.toString());
  if (named || all.length === 1) return named ?? all[0];
  const lines = all.map((repository) => ({
    label: vscode.workspace.asRelativePath(repository.rootUri),
    picked: repository.ui.selected,
    repository,
  }));
  const picked = await vscode.window.showQuickPick(lines, {
    title: vscode.l10n.t('Select the repository for the commit message'),
  });
  return picked?.repository;
}

/** The staged changes; if there are none, those of the working tree, provided the user agrees. */
async function describedChanges(repository: Repository, excluded: readonly string[]): Promise<Source[] | undefined> {
  const { t } = vscode.l10n;
  const staged = await diffSources(repository, true, excluded);
  if (staged.length > 0) return staged;
  const changed = await diffSources(repository, false, excluded);
  if (changed.length === 0) throw new Error(t('There are no changes to describe.'));
  const all = t('Use All Changes');
  const answer = await vscode.window.showInformationMessage(
    t('No changes are staged. Write a commit message for all changes?'),
    { modal: true },
    all,
  );
  return answer === all ? changed : undefined;
}

async function mayReplace(message: string): Promise<boolean> {
  if (message.trim() === '') return true;
  const { t } = vscode.l10n;
  const replace = t('Replace');
  return (
    (await vscode.window.showWarningMessage(t('Replace the existing commit message?'), { modal: true }, replace)) ===
    replace
  );
}

interface Run {
  readonly abort: AbortController;
  report(message: string): void;
}

async function write(model: ChatModel, repository: Repository, sources: Source[], run: Run): Promise<void> {
  const { inputBox } = repository;
  const before = inputBox.value;
  // VS Code reports each value back with a delay, so the input may still hold an older one of ours.
  const ours = new Set([before]);
  let shown = '';
  try {
    const { instruction } = slashCommand('/commit', { shell: '', system: '' })!;
    let said = '';
    const request = {
      sessionId: `commit ${repository.rootUri.toString()}`,
      messages: [textTurn('user', instruction)],
      sources: sources.map(({ name, text }) => ({ name, text })),
      maxTokens: LONGEST_TOKENS,
    };
    const { stop } = await model.chat(request, run.abort.signal, (part) => {
      if (part.type === 'fitted') return reportFit(part.fit, run);
      // The user is typing, which takes precedence.
      if (!ours.has(inputBox.value)) run.abort.abort();
      if (run.abort.signal.aborted || part.type !== 'text') return;
      said += part.text;
      shown = inputBox.value = cleanCommitMessage(said);
      ours.add(shown);
    });
    if (stop === 'repetition') throw new Error(vscode.l10n.t('The answer repeated itself and was stopped.'));
    if (shown === '') throw new Error(vscode.l10n.t('The model returned an empty answer.'));
  } catch (error) {
    if (ours.has(inputBox.value)) inputBox.value = before;
    if (!run.abort.signal.aborted) throw error;
  }
}

/** Reports in the progress notification if the context window cannot hold all changes. */
function reportFit({ sources }: FitResult, { report }: Run): void {
  const whole = sources.reduce((sum, { tokensWhole }) => sum + tokensWhole, 0);
  const left = sources.reduce((sum, { tokens }) => sum + tokens, 0);
  if (left >= whole) return;
  const share = Math.floor((100 * left) / whole);
  report(vscode.l10n.t('Only {0}% of the changes fit in the context window of the model.', share));
}
