/** The command "Choose Model…": the user picks what the model is for, then a folder or a file. */
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Config } from './config.ts';
import type { Engine, Purpose } from './engine/engine.ts';
import { modelOf } from './settings.ts';

export interface ChooseModelHost {
  readonly config: Pick<Config, 'settings' | 'update'>;
  readonly engine: Engine;
}

interface Choice extends vscode.QuickPickItem {
  readonly purpose: Purpose;
  readonly isFile: boolean;
}

/** `asked` is the purpose where the user has said it already, as by a click on a failure. */
export async function chooseModel(host: ChooseModelHost, asked: unknown): Promise<void> {
  const { config, engine } = host;
  const choice = await pickKind(config, asked);
  if (!choice) return;
  const { purpose, isFile } = choice;
  const { t } = vscode.l10n;
  const before = modelOf(config.settings, purpose);
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: isFile,
    canSelectFolders: !isFile,
    defaultUri: vscode.Uri.file(before ? dirname(before) : homedir()),
    ...(isFile ? { filters: { GGUF: ['gguf'] } } : {}),
    title: isFile
      ? t('Select a model file (.gguf)')
      : t('Select a model folder (config.json, tokenizer.json, *.safetensors)'),
  });
  const path = picked?.[0]?.fsPath;
  if (path === undefined) return;
  await config.update(purpose === 'chat' ? 'chat.model' : 'completion.model', path);
  const { completionModel, chatModel } = engine;
  const { kind } = (purpose === 'chat' ? chatModel : completionModel).state;
  // The same model again, mended meanwhile, changes no setting.
  if (kind !== 'failed') return;
  engine.stop();
  engine.warmUp(purpose);
}

/** No dialog of Linux and Windows selects files and folders alike, so that the user says first which it is. */
async function pickKind({ settings }: ChooseModelHost['config'], asked: unknown): Promise<Choice | undefined> {
  const { t } = vscode.l10n;
  const purposes: readonly Purpose[] = asked === 'chat' || asked === 'completion' ? [asked] : ['completion', 'chat'];
  const lines = purposes.flatMap((purpose): Choice[] => {
    const { 'chat.model': chat } = settings;
    const now = modelOf(settings, purpose) || t('the bundled starter model');
    const label =
      purpose === 'chat' ? t('For the chat') : chat === '' ? t('For completions and the chat') : t('For completions');
    const line = { purpose, detail: t('Now: {0}', now) };
    return [
      { ...line, isFile: false, label: `$(folder) ${t('{0}: a model folder…', label)}` },
      { ...line, isFile: true, label: `$(file) ${t('{0}: a GGUF file…', label)}` },
    ];
  });
  return vscode.window.showQuickPick(lines, { title: t('Choose a model') });
}
