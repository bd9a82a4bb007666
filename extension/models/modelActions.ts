/** What a row of the Models view can have done to its model. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import { settingOf, STARTER } from '../bundledModels.ts';
import { inform, withoutLinks } from '../common/notice.ts';
import type { ReportView } from '../common/reportView.ts';
import { expandHome, modelOf } from '../settings.ts';
import { withByteProgress } from './byteProgress.ts';
import { sizeText } from './figures.ts';
import type { ModelList } from './modelList.ts';
import { purposesText } from './modelTexts.ts';
import type { Program } from './program.ts';
import { useModel, type UseModelHost, useOf } from './useModel.ts';

export interface ModelActionsHost extends UseModelHost {
  readonly program: Pick<Program, 'models' | 'text'>;
  readonly list: Pick<ModelList, 'refresh'>;
  readonly report: ReportView;
}

/** Reads the files of a model of the store again, and compares their hash. Rejects with one sentence. */
export async function verify({ program, list }: ModelActionsHost, model: ListedModel): Promise<void> {
  const { t } = vscode.l10n;
  const models = await withByteProgress(t('Verifying {0}', model.name), (signal, onProgress) =>
    program.models(['verify', nameOf(model)], signal, onProgress),
  ).finally(() => list.refresh());
  if (models) inform(t('{0} is as it was stored.', model.name));
}

/** Measures speed and memory, and shows them in an editor. Rejects with one sentence. */
export async function benchmark({ program, report, config }: ModelActionsHost, model: ListedModel): Promise<void> {
  const { t } = vscode.l10n;
  const { 'engine.backend': backend } = config.settings;
  const figures = await withByteProgress(t('Measuring {0}', model.name), (signal) =>
    program.text(['bench', model.path, '--backend', backend], signal),
  );
  if (figures === undefined) return;
  const text = `# ${model.name}\n\n${t('Measured on this machine with `airgap bench`.')}\n\n\`\`\`text\n${figures.trim()}\n\`\`\`\n`;
  await report.show(`${model.name}.md`, text);
}

export async function reveal(model: ListedModel): Promise<void> {
  await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(model.path));
}

/** Removes a model from the store, after a question. Rejects with one sentence; the settings are then as before. */
export async function remove(host: ModelActionsHost, model: ListedModel): Promise<void> {
  const { t } = vscode.l10n;
  const { purposes } = useOf(host, model);
  const isOnlyForChat = !purposes.includes('completion') && modelOf(host.config.settings, 'completion') !== STARTER;
  const successor = isOnlyForChat ? t('The model for completions') : t('The default model');
  const isReference = model.origin === 'reference';
  const detail = [
    isReference
      ? t('The files themselves stay where they are: {0}', model.path)
      : t('Its files are deleted, which frees {0}.', sizeText(model.bytes)),
    ...(purposes.length > 0
      ? [t('It is in use for {0}. {1} takes its place.', purposesText(purposes), successor)]
      : []),
  ].join('\n\n');
  const confirm = purposes.length > 0 ? t('Remove although in use') : t('Remove');
  const question = withoutLinks(t('Remove {0} from the store?', model.name));
  const answer = await vscode.window.showWarningMessage(question, { modal: true, detail }, confirm);
  if (answer !== confirm) return;
  const { config } = host;
  const before = { ...config.settings };
  const keys = (['completion.model', 'chat.model'] as const).filter((key) => expandHome(before[key]) === model.path);
  // First, so that no engine still reads its files.
  for (const key of keys) await config.update(key, '');
  try {
    await host.program.models(['remove', nameOf(model), '--yes'], new AbortController().signal);
    config.reread();
  } catch (error) {
    for (const key of keys) await config.update(key, before[key]);
    throw error;
  } finally {
    await host.list.refresh();
  }
}

export function use(host: ModelActionsHost, model: ListedModel, purpose: 'completion' | 'chat'): Promise<void> {
  return useModel(host, settingOf(model), purpose);
}

function nameOf({ id, name }: ListedModel): string {
  return id ?? name;
}
