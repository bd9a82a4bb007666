/** Actions that the page may request of VS Code. */
import * as vscode from 'vscode';
import type { Engine } from '../../engine/engine.ts';
import { SMALL_CHAT_MODEL } from '../../bundledModels.ts';
import type { Settings } from '../../settings.ts';
import type { CodeBlocks } from '../../edits/vscode/codeBlocks.ts';
import type { HostCommand } from '../../../webview/protocol.ts';
import type { Actions, ExportedChat } from '../controllerHost.ts';
import { fileOrFolder } from '../context/fileOrFolder.ts';
import { pickPictures } from '../../pictures/pickPictures.ts';
import type { ServerUse } from '../../remote/serverUse.ts';
import { Suggester } from '../context/suggest.ts';

export interface PageActionsHost {
  readonly blocks: CodeBlocks;
  readonly engine: Engine;
  readonly server: Pick<ServerUse, 'pause'>;
  readonly log: vscode.LogOutputChannel;
  readonly view: Pick<Actions, 'reveal'>;
  settings(): Settings;
}

export function pageActions(host: PageActionsHost): Actions {
  const { engine, view } = host;
  const suggester = new Suggester(() => host.settings()['files.exclude']);
  return {
    reveal: () => view.reveal(),
    confirm,
    saveAs,
    pickPictures: async () => (await pickPictures(vscode.l10n.t('Add'), true)).map((uri) => uri.toString()),
    dropped: (uri) => fileOrFolder(vscode.Uri.parse(uri)),
    copy: async (text) => vscode.env.clipboard.writeText(text),
    openSource,
    openLink,
    run: (command) => run(command, host),
    code: (block, sources) => host.blocks.run(block, sources),
    suggest: (text) => suggester.suggest(text),
    attachment: (suggestionId) => suggester.resolve(suggestionId),
    closed: (conversationId) => engine.closed(conversationId),
  };
}

async function confirm(question: string, action: string): Promise<boolean> {
  return (await vscode.window.showWarningMessage(question, { modal: true }, action)) === action;
}

async function saveAs({ name, text, copies }: ExportedChat): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const uri = await vscode.window.showSaveDialog({
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, name) } : {}),
    filters: { Markdown: ['md'] },
  });
  if (!uri) return;
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  const beside = vscode.Uri.joinPath(uri, '..');
  for (const { from, to } of copies) {
    await vscode.workspace.fs.copy(vscode.Uri.file(from), vscode.Uri.joinPath(beside, to), { overwrite: true });
  }
  await vscode.window.showTextDocument(uri);
}

async function openSource(uri: string, line: number): Promise<void> {
  const position = new vscode.Position(Math.max(0, line - 1), 0);
  await vscode.window.showTextDocument(vscode.Uri.parse(uri), {
    selection: new vscode.Range(position, position),
    viewColumn: otherColumn(),
  });
}

/** A column other than that of a chat tab, so that the chat stays visible. */
function otherColumn(): vscode.ViewColumn {
  const isChat = vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputWebview;
  return isChat ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
}

/** The model wrote the link, so the user sees all of it before it opens. */
async function openLink(href: string): Promise<void> {
  const { t } = vscode.l10n;
  const open = t('Open');
  const answer = await vscode.window.showWarningMessage(
    t('Open this link in the browser?'),
    { modal: true, detail: href },
    open,
  );
  if (answer === open) await vscode.env.openExternal(vscode.Uri.parse(href, true));
}

async function run(command: HostCommand, { engine, server, log }: PageActionsHost): Promise<void> {
  switch (command) {
    case 'restart':
      return engine.restart();
    case 'chooseModel':
      return vscode.commands.executeCommand('airgap.chooseModel', 'chat');
    case 'getChatModel':
      return vscode.commands.executeCommand('airgap.downloadModel', SMALL_CHAT_MODEL, 'chat');
    case 'server':
      return vscode.commands.executeCommand('airgap.useServer');
    case 'useLocal':
      return server.pause(true);
    case 'log':
      return log.show();
    case 'traffic':
      return vscode.commands.executeCommand('airgap.showTraffic');
  }
}
