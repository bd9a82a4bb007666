/** Builds the chat: conversations on disk, actions in VS Code, the controller, and the views. */
import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { onDidConnect } from '../../engine/traffic.ts';
import type { SyntaxColors } from '../../webview/protocol.ts';
import { isSmallChatModel } from '../bundledModels.ts';
import type { Config } from '../config.ts';
import type { Engine, EngineState } from '../engine/engine.ts';
import type { ProjectInstructions } from '../reading/vscode/projectInstructions.ts';
import { readPictureFile } from '../pictures/readPictureFile.ts';
import { samplingSettings } from '../engine/sampling.ts';
import { modelOf, type Settings } from '../settings.ts';
import type { CodeBlocks } from '../edits/vscode/codeBlocks.ts';
import { mannerForSmallModel } from './answer/smallModel.ts';
import { instruct } from './context/instruct.ts';
import { ChatController } from './controller.ts';
import type { ControllerHost } from './controllerHost.ts';
import { EditorContext } from './context/editorContext.ts';
import type { ServerUse } from '../remote/serverUse.ts';
import { whereText } from '../remote/whereText.ts';
import { engineView } from './page/engineView.ts';
import { pageActions } from './page/pageActions.ts';
import { Pages } from './page/pages.ts';
import type { Chat } from './chat.ts';
import { createPictures } from './chatPictures.ts';
import type { Attachment, ContextReader } from './context/attachment.ts';
import { ConversationStore } from './conversation/conversationStore.ts';
import { ChatView } from './page/view.ts';

/** A window that starts has more urgent work. */
const CLEANUP_AFTER_MS = 60_000;

export interface CreateChatHost {
  readonly context: vscode.ExtensionContext;
  readonly config: Pick<Config, 'onDidChange'>;
  readonly engine: Engine;
  readonly server: ServerUse;
  readonly reader: ContextReader;
  readonly log: vscode.LogOutputChannel;
  readonly instructions: Pick<ProjectInstructions, 'uris' | 'onDidChange'>;
  readonly blocks: CodeBlocks;
  readonly colors: { current(): SyntaxColors; readonly onDidChange: vscode.Event<void> };
  settings(): Settings;
}

/** Registers in `context.subscriptions` everything that has to be disposed with the extension. */
export function createChat(host: CreateChatHost): Chat {
  const { context, engine, log, colors, settings } = host;
  const own = <T extends vscode.Disposable>(thing: T): T => {
    context.subscriptions.push(thing);
    return thing;
  };
  const pages = own(new Pages());
  const editor = own(
    new EditorContext(settings, {
      moved: () => controller.editorChanged(),
      changed: () => controller.textChanged(),
    }),
  );
  const view = own(
    new ChatView({
      extension: context.extensionUri,
      pictures: picturesFolder(context),
      pages,
      controller: () => controller,
      log: (text) => log.warn(text),
    }),
  );
  const pictures = createPictures({
    folder: picturesFolder(context),
    pages,
    t: vscode.l10n.t,
    readFile: (uri) => readPictureFile(vscode.Uri.parse(uri), settings()['files.exclude']),
    reveal: () => view.reveal(),
    controller: () => controller,
  });
  const controller: ChatController = new ChatController({
    ...controllerHost(host),
    ...pictures,
    pages,
    store: conversationStore(host, pages),
    actions: pageActions({ ...host, view }),
    automatic: () => [...host.instructions.uris.map(instructionsIn), ...(editor.attachment ? [editor.attachment] : [])],
  });
  own({ dispose: () => void controller.dispose() });
  own(soon(() => pictures.pictureStore.deleteAbandoned(Date.now()).catch((error: unknown) => log.warn(String(error)))));
  own(engine.chatModel.onDidChangeState(() => controller.engineChanged()));
  own(host.instructions.onDidChange(() => controller.settingsChanged()));
  own(host.server.onDidChange(() => controller.engineChanged()));
  own(onDidConnect(() => controller.engineChanged()));
  own(host.config.onDidChange(() => controller.settingsChanged()));
  own(colors.onDidChange(() => controller.colorsChanged()));
  own(vscode.workspace.onDidGrantWorkspaceTrust(() => controller.showState()));
  return {
    ask: (question) => controller.ask(question),
    newConversation: () => controller.ask({ newConversation: true }),
    showList: () => controller.showList(),
    exportOpen: () => controller.exportOpen(),
    openInEditor: () => view.openInEditor(),
    reloadPages: () => view.reload(),
    pictures: pictures.pictures,
  };
}

/** Does something that can wait once the window has started. */
function soon(action: () => Promise<void>): vscode.Disposable {
  const timer = setTimeout(() => void action(), CLEANUP_AFTER_MS);
  return new vscode.Disposable(() => clearTimeout(timer));
}

/** The folder of the workspace's conversations; windows without a workspace share theirs. */
function chatsFolder({ storageUri, globalStorageUri }: vscode.ExtensionContext): string {
  return join((storageUri ?? globalStorageUri).fsPath, 'chats');
}

/** The folder of the pictures in the workspace's conversations. */
export function picturesFolder(context: vscode.ExtensionContext): string {
  return join(chatsFolder(context), 'pictures');
}

function conversationStore({ context, log }: CreateChatHost, pages: Pages): ConversationStore {
  return new ConversationStore(chatsFolder(context), (files) => {
    log.warn(`Conversations that could not be read: ${files.join(', ')}`);
    const { t } = vscode.l10n;
    const text = t('{0} saved chats could not be read. The log lists the files.', files.length);
    pages.post({ type: 'notice', text });
  });
}

function controllerHost(
  host: CreateChatHost,
): Omit<ControllerHost, 'pages' | 'store' | 'actions' | 'automatic' | keyof ReturnType<typeof createPictures>> {
  const { engine, server, settings, colors, log } = host;
  const { t } = vscode.l10n;
  const chatModel = (): string => server.for('chat')?.model ?? modelOf(settings(), 'chat');
  return {
    model: engine.chatModel,
    reader: host.reader,
    texts: (vscode.l10n.bundle ?? {}) as Record<string, string>,
    language: vscode.env.language,
    t,
    settings: () => ({ maxTokens: settings()['chat.maxTokens'], sampling: samplingSettings(settings()) }),
    instruct: (text, attached) => instruct(text, attached, chatModel()),
    manner: (text) => (isSmallChatModel(chatModel()) ? mannerForSmallModel(text) : {}),
    engine: () => engineView(engine.chatModel.state, chatModel(), whereText(server, t), t),
    contextLength: () => contextLength(engine.chatModel.state),
    seesPictures: () => seesPictures(engine.chatModel.state),
    colors: () => colors.current(),
    trusted: () => vscode.workspace.isTrusted,
    newId: () => randomUUID(),
    seed: () => randomInt(2 ** 31),
    nowMs: () => Date.now(),
    log: (message) => log.warn(message),
  };
}

function instructionsIn(uri: vscode.Uri): Attachment {
  return { kind: 'instructions', uri: uri.toString() };
}

function contextLength(state: EngineState): number {
  return state.kind === 'ready' ? state.model.contextLength : 0;
}

function seesPictures(state: EngineState): boolean {
  return state.kind === 'ready' && state.model.images !== null;
}
