/** "Import Model…": a file or folder becomes an entry of the store, with its progress in bytes. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import { withoutLinks } from '../common/notice.ts';
import { browse } from './browse.ts';
import { withByteProgress } from './byteProgress.ts';
import type { ModelList } from './modelList.ts';
import type { Program } from './program.ts';
import { type Use, USES, useModel, type UseModelHost } from './useModel.ts';

export interface ImportHost extends UseModelHost {
  readonly program: Pick<Program, 'models'>;
  readonly list: Pick<ModelList, 'refresh'>;
}

/** Asks for a file or folder, and imports it. Rejects with one sentence. */
export async function importModel(host: ImportHost): Promise<void> {
  const { t } = vscode.l10n;
  const lines = [
    {
      label: `$(file) ${t('A GGUF file…')}`,
      detail: t('It stays where it is; the store refers to it.'),
      what: 'file' as const,
    },
    {
      label: `$(folder) ${t('A model folder…')}`,
      detail: t('It is packed into the store, so that it loads fast.'),
      what: 'folder' as const,
    },
  ];
  const picked = await vscode.window.showQuickPick(lines, { title: t('Import a model') });
  const path = picked && (await browse(picked.what, ''));
  if (path !== undefined) await importPath(host, path);
}

/** Imports what lies at a path. Rejects with one sentence. */
export async function importPath(host: ImportHost, path: string): Promise<void> {
  const { t } = vscode.l10n;
  const { program, list } = host;
  const title = t('Importing {0}', path);
  const models = await withByteProgress(title, (signal, onProgress) =>
    program.models(['import', path], signal, onProgress),
  ).finally(() => list.refresh());
  const [model] = models ?? [];
  if (model) offerUse(host, model, t('{0} was imported.', model.name));
}

/** Tells that a model is there, with buttons that use it. Nobody waits for the user's answer. */
export function offerUse(host: UseModelHost, model: ListedModel, sentence: string): void {
  const { t } = vscode.l10n;
  const texts: Record<Use, string> = {
    both: t('Use for both'),
    completion: t('Use for completions'),
    chat: t('Use for the chat'),
  };
  const uses = USES.filter((use) => use === 'completion' || model.chat);
  void vscode.window.showInformationMessage(withoutLinks(sentence), ...uses.map((use) => texts[use])).then((text) => {
    const use = uses.find((each) => texts[each] === text);
    if (use) void useModel(host, model.path, use);
  });
}
