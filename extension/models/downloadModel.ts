/**
 * "Download Model…": a model of the catalogue into the store. It runs in the extension host, where Node's modules use
 * VS Code's proxy and certificates. Nothing is asked of a network before the user has picked a model.
 */
import * as vscode from 'vscode';
import { catalogue, type CatalogueEntry, findEntry } from '../../engine/download/catalogue.ts';
import { downloadModel as download, type DownloadPlan } from '../../engine/download/downloadModel.ts';
import { TokenWanted } from '../../engine/download/failures.ts';
import { nodeHttp } from '../../engine/download/nodeHttp.ts';
import type { StoreEntry } from '../../engine/store/entry.ts';
import { storePlaces } from '../../engine/store/places.ts';
import { openStore } from '../../engine/store/store.ts';
import { inform } from '../common/notice.ts';
import { expandHome } from '../settings.ts';
import { withByteProgress } from './byteProgress.ts';
import { catalogueText } from './catalogueText.ts';
import { sizeText } from './figures.ts';
import { type ImportHost, offerUse } from './importModel.ts';
import type { ModelList } from './modelList.ts';
import { useModel } from './useModel.ts';

export interface DownloadHost extends ImportHost {
  readonly list: ModelList;
  readonly secrets: Pick<vscode.SecretStorage, 'get' | 'store' | 'delete'>;
}

/** Name of the token in VS Code's secret storage. */
const TOKEN = 'airgap.download.token';

/**
 * Shows the size and licence of a model, and downloads it; asks which where none is named, and offers to use it unless
 * it is wanted for the chat. Rejects with one sentence.
 */
export async function downloadModel(host: DownloadHost, named?: unknown, use?: unknown): Promise<void> {
  const { t } = vscode.l10n;
  const entry = typeof named === 'string' ? findEntry(named) : await pickEntry();
  if (!entry) return;
  const stored = await bring(host, entry);
  if (!stored) return;
  await host.list.refresh();
  const model = host.list.own?.find(({ id }) => id === stored.id);
  if (!model) return;
  if (use === 'chat') await useModel(host, model.path, use);
  else offerUse(host, model, t('{0} was downloaded.', model.name));
}

async function pickEntry(): Promise<CatalogueEntry | undefined> {
  const lines = catalogue.map((entry) => ({
    entry,
    label: `$(cloud-download) ${entry.name}`,
    ...catalogueText(entry),
  }));
  const title = vscode.l10n.t('Download a model');
  return (await vscode.window.showQuickPick(lines, { title, matchOnDetail: true }))?.entry;
}

/** Removes the token from VS Code's secret storage. */
export async function forgetToken({ secrets }: DownloadHost): Promise<void> {
  await secrets.delete(TOKEN);
  inform(vscode.l10n.t('The download token was removed.'));
}

/** Where a server wants a token, the user is asked for one, once. */
async function bring(host: DownloadHost, entry: CatalogueEntry): Promise<StoreEntry | undefined> {
  try {
    return await bringWith(host, entry, (await host.secrets.get(TOKEN)) ?? (entry.gated ? await askToken(host) : ''));
  } catch (error) {
    if (!(error instanceof TokenWanted)) throw error;
    const token = await askToken(host, error.message);
    if (!token) throw error;
    return bringWith(host, entry, token);
  }
}

async function bringWith(host: DownloadHost, entry: CatalogueEntry, token = ''): Promise<StoreEntry | undefined> {
  const { settings } = host.config;
  const store = await openStore(
    storePlaces({
      folder: expandHome(settings['store.folder']),
      sharedFolder: expandHome(settings['store.sharedFolder']),
    }),
  );
  const given = new AbortController();
  return withByteProgress(vscode.l10n.t('Downloading {0}', entry.name), async (cancelled, onProgress) => {
    const signal = AbortSignal.any([cancelled, given.signal]);
    try {
      return await download(entry, {
        store,
        http: nodeHttp(),
        address: settings['download.address'],
        token: token || undefined,
        signal,
        confirm: async (plan) => {
          if (!(await confirm(plan))) given.abort();
          return !signal.aborted;
        },
        onProgress,
      });
    } catch (error) {
      if (given.signal.aborted) return undefined;
      throw error;
    }
  });
}

async function confirm(plan: DownloadPlan): Promise<boolean> {
  const { t } = vscode.l10n;
  const { name, address, bytes, neededBytes, freeBytes, licence, hash } = plan;
  const hashes: Record<DownloadPlan['hash'], string> = {
    verified: t('The files are compared with the hash in the catalogue.'),
    stated: t('The files are compared with the hash that the same server states.'),
    unchecked: t('Nobody says which hash the files should have: they cannot be checked.'),
  };
  const detail = [
    t('From: {0}', address),
    neededBytes < bytes
      ? t('Size: {0}, of which {1} are still to come', sizeText(bytes), sizeText(neededBytes))
      : t('Size: {0}', sizeText(bytes)),
    t('Free on the disk: {0}', sizeText(freeBytes)),
    t('Licence: {0}', licence),
    hashes[hash],
  ].join('\n');
  const button = hash === 'unchecked' ? t('Download unchecked') : t('Download');
  return (
    (await vscode.window.showInformationMessage(t('Download {0}?', name), { modal: true, detail }, button)) === button
  );
}

/** Resolves with the token, which is kept, or with undefined where the user gives none. */
async function askToken({ secrets }: DownloadHost, reason?: string): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const token = await vscode.window.showInputBox({
    title: t('Token for downloads'),
    prompt: [reason, t("It is kept in VS Code's secret storage.")].filter(Boolean).join(' '),
    password: true,
    ignoreFocusOut: true,
  });
  if (token) await secrets.store(TOKEN, token);
  return token;
}
