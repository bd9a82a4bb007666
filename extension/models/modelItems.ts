/** The lines of the picker: models by the place that keeps them, other ways to a model, and what cannot be used. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import { STARTER } from '../bundledModels.ts';
import { modelOf } from '../settings.ts';
import { catalogueText } from './catalogueText.ts';
import type { ModelList } from './modelList.ts';
import { costText, kindText, placeText, purposesText, refusal } from './modelTexts.ts';
import { suggestion } from './suggestion.ts';
import { type Use, type UseModelHost, useOf } from './useModel.ts';

export interface ModelItemsHost extends UseModelHost {
  readonly list: Pick<ModelList, 'own' | 'elsewhere'>;
  /** This machine's, of which a model may take half. */
  readonly memoryBytes?: number;
}

export type Choice =
  | { readonly kind: 'model'; readonly model: ListedModel }
  /** The chat shall use the model of the completions. */
  | { readonly kind: 'same' }
  | { readonly kind: 'browse'; readonly what: 'file' | 'folder' }
  | { readonly kind: 'command'; readonly command: string; readonly argument?: string };
export type ModelItem = vscode.QuickPickItem & { readonly choice?: Choice };

export function modelItems(host: ModelItemsHost, use: Use): ModelItem[] {
  const { t } = vscode.l10n;
  const { list } = host;
  const models = [...(list.own ?? []), ...(list.elsewhere ?? [])];
  const usable = models.filter((model) => refusal(model, use) === undefined);
  const others = models.filter((model) => refusal(model, use) !== undefined);
  const separator = (label: string): ModelItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const places = [...new Set(usable.map(({ place }) => place))];
  const command = (icon: string, label: string, name: string): ModelItem => ({
    label: `$(${icon}) ${label}`,
    choice: { kind: 'command', command: name },
    alwaysShow: true,
  });
  const browseFor = (what: 'file' | 'folder', label: string): ModelItem => ({
    label: `$(${what}) ${label}`,
    choice: { kind: 'browse', what },
    alwaysShow: true,
  });
  return [
    ...(use === 'chat' && modelOf(host.config.settings, 'completion') !== STARTER
      ? [{ label: `$(link) ${t('The same model as for completions')}`, choice: { kind: 'same' } } as ModelItem]
      : []),
    ...suggested(models, use, host.memoryBytes),
    ...places.flatMap((place) => [
      separator(placeText(place)),
      ...usable.filter((model) => model.place === place).map((model) => itemOf(host, model, use)),
    ]),
    separator(t('Other models')),
    browseFor('file', t('A GGUF file…')),
    browseFor('folder', t('A model folder…')),
    command('cloud-download', t('Download a model…'), 'airgap.downloadModel'),
    command('archive', t('Import a model…'), 'airgap.importModel'),
    ...(others.length > 0 ? [separator(t('Cannot be used'))] : []),
    ...others.map((model) => itemOf(host, model, use)),
  ];
}

/** A good model for the chat that has to be downloaded, for those who lack it. */
function suggested(models: readonly ListedModel[], use: Use, memoryBytes: number | undefined): ModelItem[] {
  const entry = use === 'completion' ? undefined : suggestion(models, memoryBytes);
  if (!entry) return [];
  const { t } = vscode.l10n;
  const choice = { kind: 'command', command: 'airgap.downloadModel', argument: entry.name } as const;
  return [
    { label: t('Suggested for the chat'), kind: vscode.QuickPickItemKind.Separator },
    { label: `$(cloud-download) ${t('Download {0}…', entry.name)}`, ...catalogueText(entry), choice },
  ];
}

function itemOf(host: ModelItemsHost, model: ListedModel, use: Use): ModelItem {
  const { t } = vscode.l10n;
  const { purposes } = useOf(host, model);
  const reason = refusal(model, use);
  const icon = reason !== undefined ? 'circle-slash' : purposes.length > 0 ? 'check' : 'package';
  const used = purposes.length > 0 ? [t('used for {0}', purposesText(purposes))] : [];
  return {
    label: `$(${icon}) ${model.name}`,
    description: [kindText(model), ...(reason === undefined ? [] : [placeText(model.place)]), ...used].join(' · '),
    detail: reason ?? costText(model),
    choice: { kind: 'model', model },
  };
}
