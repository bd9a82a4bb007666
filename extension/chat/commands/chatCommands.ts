/** Commands in the editor, explorer, terminal and source control that open the chat. */
import * as vscode from 'vscode';
import type { CommandTable } from '../../common/commands.ts';
import { told } from '../../common/notice.ts';
import type { Settings } from '../../settings.ts';
import { writeCommitMessage } from './commitMessage.ts';
import { codeAt, problemsAt, selectionOf } from '../context/defaults.ts';
import { terminalSelection } from '../context/terminal.ts';
import type { Attachment } from '../context/attachment.ts';
import { fileOrFolder } from '../context/fileOrFolder.ts';
import { isPicture } from '../context/pictureFiles.ts';
import type { Chat } from '../chat.ts';
import type { ChatModel } from '../../engine/engine.ts';

export interface ChatCommandsHost {
  readonly chat: Chat;
  readonly model: ChatModel;
  readonly settings: Settings;
}

/** Calls `host` each time a command runs. */
export function chatCommands(host: () => ChatCommandsHost): CommandTable {
  const ask = (question: Parameters<Chat['ask']>[0]): Promise<void> => host().chat.ask(question);
  return {
    'airgap.ask': () => ask({ attachments: selected() }),
    'airgap.attach': (uri, uris) => told(async () => ask({ attachments: await chosen(uri, uris) })),
    'airgap.attachTerminal': () =>
      told(async () => ask({ attachments: [{ kind: 'terminal', text: await terminalSelection() }] })),
    'airgap.explain': (uri, range) => askAbout('/explain', ask, uri, range),
    'airgap.fix': (uri, range) => askAbout('/fix', ask, uri, range),
    'airgap.document': (uri, range) => askAbout('/doc', ask, uri, range),
    'airgap.explainImage': (uri, uris) => told(async () => explainImage(ask, uri, uris)),
    'airgap.newChat': () => host().chat.newConversation(),
    'airgap.showChats': () => host().chat.showList(),
    'airgap.exportChat': () => host().chat.exportOpen(),
    'airgap.openChatInEditor': () => host().chat.openInEditor(),
    'airgap.commitMessage': (sourceControl) => told(() => writeCommitMessage(host(), rootOf(sourceControl))),
  };
}

function selected(): Attachment[] {
  const editor = vscode.window.activeTextEditor;
  const selection = editor && selectionOf(editor.document, editor.selection);
  return selection ? [selection] : [];
}

/** Code actions pass a document and a range; menus and keys refer to the active editor. */
function askAbout(
  text: '/explain' | '/fix' | '/doc',
  ask: (question: Parameters<Chat['ask']>[0]) => Promise<void>,
  uri: unknown,
  range: unknown,
): Promise<void> {
  return told(async () => {
    const editor = vscode.window.activeTextEditor;
    const given = uri instanceof vscode.Uri && range instanceof vscode.Range;
    const document = given ? await vscode.workspace.openTextDocument(uri) : editor?.document;
    const place = given ? range : editor?.selection;
    if (!document || !place) throw new Error(vscode.l10n.t('Open a file and place the cursor in the code first.'));
    const problems = text === '/fix' ? problemsAt(document, place) : [];
    await ask({ text, attachments: [await codeAt(document, place), ...problems], send: true });
  });
}

/** The explorer and editor tabs pass files; elsewhere, the picture that an editor shows is meant. */
function explainImage(
  ask: (question: Parameters<Chat['ask']>[0]) => Promise<void>,
  uri: unknown,
  uris: unknown,
): Promise<void> {
  const { t } = vscode.l10n;
  const { activeTab } = vscode.window.tabGroups.activeTabGroup;
  const shown = activeTab?.input instanceof vscode.TabInputCustom ? [activeTab.input.uri] : [];
  const given = Array.isArray(uris) && uris.length > 1 ? uris : [uri];
  const files = given.filter((each): each is vscode.Uri => each instanceof vscode.Uri);
  const pictures = (files.length > 0 ? files : shown).map(String).filter(isPicture);
  if (pictures.length === 0) throw new Error(t('Open or select a picture first.'));
  const attachments = pictures.map((each): Attachment => ({ kind: 'file', uri: each }));
  const text = pictures.length === 1 ? t('Explain this picture.') : t('Explain these pictures.');
  return ask({ text, attachments, send: true });
}

/** The explorer passes the selected files; elsewhere, the editor's selection or its file is used. */
async function chosen(uri: unknown, uris: unknown): Promise<Attachment[]> {
  if (Array.isArray(uris)) return Promise.all(uris.filter((each) => each instanceof vscode.Uri).map(fileOrFolder));
  const editor = vscode.window.activeTextEditor;
  if (uri instanceof vscode.Uri && uri.toString() !== editor?.document.uri.toString()) return [await fileOrFolder(uri)];
  if (!editor) throw new Error(vscode.l10n.t('Open a file first.'));
  const selection = selected();
  return selection.length > 0 ? selection : [{ kind: 'file', uri: editor.document.uri.toString() }];
}

/** Root of the repository whose button in the source control view was clicked. */
function rootOf(sourceControl: unknown): vscode.Uri | undefined {
  const root = (sourceControl as { rootUri?: unknown } | undefined)?.rootUri;
  return root instanceof vscode.Uri ? root : undefined;
}
