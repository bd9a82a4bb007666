/** "Choose a Model…": what it is for, then one of the models on this computer, a file, a folder, or a download. */
import * as vscode from 'vscode';
import { BUNDLED_CHAT_MODEL, settingOf, SMALL_CHAT_MODEL, STARTER } from '../bundledModels.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { warn } from '../common/notice.ts';
import type { Purpose } from '../engine/engine.ts';
import { serverName } from '../remote/server.ts';
import { modelOf } from '../settings.ts';
import { browse } from './browse.ts';
import type { ModelList } from './modelList.ts';
import { type Choice, type ModelItem, type ModelItemsHost, modelItems } from './modelItems.ts';
import { refusal } from './modelTexts.ts';
import { type Use, USES, useModel } from './useModel.ts';

export interface PickerHost extends ModelItemsHost {
  readonly list: ModelList;
}

/** `asked` is the purpose where the user has said it already, as by a click on a failure. */
export async function chooseModel(host: PickerHost, asked: unknown): Promise<void> {
  const use = asked === 'chat' || asked === 'completion' ? asked : await pickUse(host);
  if (!use) return;
  const picked = await pickModel(host, use);
  switch (picked?.kind) {
    case undefined:
      return;
    case 'model':
      return useModel(host, settingOf(picked.model), use);
    case 'same':
      return useModel(host, '', use);
    case 'browse': {
      const path = await browse(picked.what, modelOf(host.config.settings, use === 'chat' ? 'chat' : 'completion'));
      return path === undefined ? undefined : useModel(host, path, use);
    }
    case 'command':
      await vscode.commands.executeCommand(picked.command, picked.argument);
  }
}

async function pickUse({ config, server }: PickerHost): Promise<Use | undefined> {
  const { t } = vscode.l10n;
  const names = new Map([
    [BUNDLED_CHAT_MODEL, SMALL_CHAT_MODEL],
    [STARTER, t('the bundled starter model')],
  ]);
  const now = (name: string): string => t('Now: {0}', name);
  const nameOf = (purpose: Purpose): string => {
    const served = server.for(purpose);
    if (served) return t('{0} on {1}', served.model, serverName(served));
    const model = modelOf(config.settings, purpose);
    return names.get(model) ?? model;
  };
  const [completion, chat] = [nameOf('completion'), nameOf('chat')];
  const lines: Record<Use, vscode.QuickPickItem> = {
    both: {
      label: `$(sparkle) ${t('For completions and the chat')}`,
      ...(completion === chat ? { detail: now(chat) } : {}),
    },
    completion: { label: `$(code) ${t('For completions')}`, detail: now(completion) },
    chat: { label: `$(comment-discussion) ${t('For the chat')}`, detail: now(chat) },
  };
  const uses = USES.map((use) => ({ ...lines[use], use }));
  return (await vscode.window.showQuickPick(uses, { title: t('What shall the model be for?') }))?.use;
}

/** Shows what is known at once, and the rest when it has been found. */
async function pickModel(host: PickerHost, use: Use): Promise<Choice | undefined> {
  const { t } = vscode.l10n;
  const picker = vscode.window.createQuickPick<ModelItem>();
  const search = new AbortController();
  const show = (): void => {
    const [active] = picker.activeItems;
    picker.items = modelItems(host, use);
    const same = picker.items.find(
      ({ label, description }) => label === active?.label && description === active.description,
    );
    if (same) picker.activeItems = [same];
  };
  picker.title = titleOf(use);
  picker.placeholder = t('Looking for models on this computer…');
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  picker.ignoreFocusOut = true;
  picker.busy = true;
  show();
  const listener = host.list.onDidChange(show);
  void host.list
    .search(search.signal)
    .catch((error: unknown) => !search.signal.aborted && warn(errorMessage(error)))
    .finally(() => {
      picker.busy = false;
      picker.placeholder = t('Type to filter');
    });
  try {
    return await new Promise((resolve) => {
      picker.onDidAccept(() => {
        const choice = picker.selectedItems[0]?.choice;
        if (!choice) return;
        if (choice.kind !== 'model') return resolve(choice);
        const reason = refusal(choice.model, use);
        if (reason === undefined) return resolve(choice);
        // It stays open: the user chooses another.
        warn(t('{0} cannot be used. {1}', choice.model.name, reason));
      });
      picker.onDidHide(() => resolve(undefined));
      picker.show();
    });
  } finally {
    search.abort();
    listener.dispose();
    picker.dispose();
  }
}

function titleOf(use: Use): string {
  const { t } = vscode.l10n;
  switch (use) {
    case 'both':
      return t('Choose a model for completions and the chat');
    case 'completion':
      return t('Choose a model for completions');
    case 'chat':
      return t('Choose a model for the chat');
  }
}
