/** "Use a Server…": asks for the server, tests it, shows what will go there, and keeps it; later, what it is used for. */
import * as vscode from 'vscode';
import { abortControllerFor } from '../../common/abortSignal.ts';
import type { CommandTable } from '../../common/commands.ts';
import { errorMessage } from '../../common/errorMessage.ts';
import { inform, told, withoutLinks } from '../../common/notice.ts';
import { readAddress } from '../address.ts';
import type { ServedModel } from '../client.ts';
import { RemoteFailure } from '../faults.ts';
import { type RemoteServer, serverName } from '../server.ts';
import type { ServerUse } from '../serverUse.ts';

export interface UseServerHost {
  readonly server: ServerUse;
}

/** Calls `host` each time a command runs. Failures are one sentence each. */
export function serverCommands(host: () => UseServerHost): CommandTable {
  return {
    'airgap.useServer': () => told(() => useServer(host())),
    'airgap.stopUsingServer': () => told(() => stop(host())),
  };
}

async function useServer(host: UseServerHost): Promise<void> {
  const { server } = host.server;
  return server ? change(host, server) : connect(host);
}

async function stop({ server }: UseServerHost): Promise<void> {
  await server.stop();
  inform(vscode.l10n.t('Everything runs on this machine again.'));
}

/** One click each. */
async function change(host: UseServerHost, chosen: RemoteServer): Promise<void> {
  const { t } = vscode.l10n;
  const { server } = host;
  const name = serverName(chosen);
  const now = server.paused || server.use === 'nothing' ? 'machine' : server.use;
  const lines = [
    {
      label: `$(comment-discussion) ${t('Chat on {0}', name)}`,
      detail: t('Recommended: completions stay on this machine, where they come faster.'),
      id: 'chat',
      run: () => server.changeUse('chat'),
    },
    {
      label: `$(server-environment) ${t('Chat and completions on {0}', name)}`,
      detail: t('The code around the cursor goes there, too, while you type.'),
      id: 'chatAndCompletions',
      run: () => server.changeUse('chatAndCompletions'),
    },
    {
      label: `$(code) ${t('Completions on {0}', name)}`,
      detail: t('The code around the cursor goes there while you type. Questions are answered on this machine.'),
      id: 'completions',
      run: () => server.changeUse('completions'),
    },
    {
      label: `$(device-desktop) ${t('This machine for now')}`,
      detail:
        server.use === 'nothing'
          ? t('Until you choose the server here again.')
          : t('Until you choose the server here again, or this window is reloaded.'),
      id: 'machine',
      run: async () => server.pause(true),
    },
    {
      label: `$(debug-disconnect) ${t('Stop using the server')}`,
      detail: t('Its address and its key are forgotten.'),
      run: () => stop(host),
    },
    {
      label: `$(list-selection) ${t('Another model or server…')}`,
      run: () => connect(host, { url: chosen.url }),
    },
  ].map((line) => ({ ...line, ...(line.id === now ? { description: t('now') } : {}) }));
  const title = chosen.model === '' ? name : t('{0} on {1}', chosen.model, name);
  await (await vscode.window.showQuickPick(lines, { title }))?.run();
}

interface Typed {
  readonly url: string;
  readonly key?: string;
}

/** Asks step by step; a fault keeps what was typed. */
async function connect(host: UseServerHost, typed: Typed = { url: '' }): Promise<void> {
  const { t } = vscode.l10n;
  const url = await askAddress(typed.url);
  if (url === undefined || !(await mayConnect(host, url))) return;
  const key = await askKey(url, typed.key);
  if (key === undefined) return;
  const server = { url, model: '', ...(key === '' ? {} : { key }) };
  try {
    const model = await pickModel(await connected(host.server, server), url);
    if (model === undefined) return;
    const use = await confirmUse(model, url);
    if (use) await host.server.choose({ ...server, model }, use);
  } catch (error) {
    if (error instanceof RemoteFailure && error.fault === 'cancelled') return;
    const again = t('Try Again');
    const picked = await vscode.window.showWarningMessage(withoutLinks(errorMessage(error)), again);
    if (picked === again) await connect(host, { url, key });
  }
}

async function askAddress(value: string): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const text = await vscode.window.showInputBox({
    title: t('Address of the server'),
    prompt: t("An inference server of your own that speaks OpenAI's protocol, such as vLLM."),
    placeHolder: 'https://gpu.example.org:8000',
    value,
    ignoreFocusOut: true,
    validateInput: (typed) =>
      readAddress(typed.trim())
        ? undefined
        : t('An address begins with https:// or http:// and has no user name, query and fragment.'),
  });
  return text === undefined ? undefined : readAddress(text.trim())?.url;
}

/** Names the risk of an address without encryption, once. */
async function mayConnect({ server }: UseServerHost, url: string): Promise<boolean> {
  if (server.mayConnect(url)) return true;
  const { t } = vscode.l10n;
  const send = t('Send Unencrypted');
  const detail = t(
    'The address begins with http://. Everyone on the way, such as in the same network, can read your questions, your code, and the key, and can change the answers. An address that begins with https:// prevents that.',
  );
  const question = t('Send your code to {0} without encryption?', serverName({ url }));
  const picked = await vscode.window.showWarningMessage(question, { modal: true, detail }, send);
  if (picked === send) await server.confirmUnencrypted(url);
  return picked === send;
}

async function askKey(url: string, value = ''): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const key = await vscode.window.showInputBox({
    title: t('Key of {0}', serverName({ url })),
    prompt: t("Leave it empty if the server needs none. It is kept in VS Code's secret storage."),
    value,
    password: true,
    ignoreFocusOut: true,
  });
  return key?.trim();
}

async function connected(use: ServerUse, server: RemoteServer): Promise<ServedModel[]> {
  const { t } = vscode.l10n;
  const name = serverName(server);
  const models = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: t('Connecting to {0}', name), cancellable: true },
    (_, token) => use.list(server, abortControllerFor(token).signal),
  );
  if (models.length === 0) throw new Error(t('{0} serves no model.', name));
  return models;
}

/** The only model, else the one that the user picks. */
async function pickModel(models: readonly ServedModel[], url: string): Promise<string | undefined> {
  if (models.length === 1) return models[0]!.id;
  const { t } = vscode.l10n;
  const lines = models.map(({ id, contextLength }) => ({
    label: id,
    ...(contextLength === undefined ? {} : { description: t('{0} tokens', contextLength.toLocaleString()) }),
  }));
  const picked = await vscode.window.showQuickPick(lines, { title: t('Models on {0}', serverName({ url })) });
  return picked?.label;
}

/** Shows what will go there. */
async function confirmUse(model: string, url: string): Promise<'chat' | 'chatAndCompletions' | undefined> {
  const { t } = vscode.l10n;
  const name = serverName({ url });
  const [chat, both] = [t('Use for the Chat'), t('Use for Chat and Completions')];
  const detail = [
    t(
      "The chat sends your questions and what goes along with them: files, selections, problems, changes, terminal texts, and pictures that you attach or that are attached as chips, and what @project finds. So do edits with an instruction, commit messages, Screenshot to Code, and other extensions that use the chat's model.",
    ),
    t(
      'Completions also send the code around the cursor, while you type. Recommended: leave them on this machine, where they come faster.',
    ),
    t(
      'Files that usually contain secrets are never sent, and text that looks like a secret is hidden. Whoever runs {0} can read everything else.',
      name,
    ),
  ].join('\n\n');
  const question = t('Use {0} on {1}?', model, name);
  const picked = await vscode.window.showInformationMessage(question, { modal: true, detail }, chat, both);
  return picked === undefined ? undefined : picked === chat ? 'chat' : 'chatAndCompletions';
}
