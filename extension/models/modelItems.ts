/** The lines of the picker: models by the place that keeps them, other ways to a model, and what cannot be used. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import type { ModelList } from './modelList.ts';
import { costText, kindText, placeText, purposesText, refusal } from './modelTexts.ts';
import { type Use, type UseModelHost, useOf } from './useModel.ts';

export interface ModelItemsHost extends UseModelHost {
  readonly list: Pick<ModelList, 'own' | 'elsewhere'>;
}

export type Choice =
  | { readonly kind: 'model'; readonly model: ListedModel }
  /** The chat shall use the model of the completions. */
  | { readonly kind: 'same' }
  | { readonly kind: 'browse'; readonly what: 'file' | 'folder' }
  | { readonly kind: 'command'; readonly command: string };
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
    ...(use === 'chat'
      ? [{ label: `$(link) ${t('The same model as for completions')}`, choice: { kind: 'same' } } as ModelItem]
      : []),
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
