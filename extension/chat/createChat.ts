/** Builds the chat: conversations on disk, what it may ask of VS Code, the controller, and where it shows. */
import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SyntaxColors } from '../../webview/protocol.ts';
import type { Config } from '../config.ts';
import type { Engine } from '../engine/localEngine.ts';
import type { Settings } from '../settings.ts';
import type { CodeBlocks } from '../edits/vscode/codeBlocks.ts';
import { instruct } from './context/instruct.ts';
import { ChatController } from './controller.ts';
import type { ControllerHost } from './controllerHost.ts';
import { EditorContext } from './context/editorContext.ts';
import { engineView } from './page/engineView.ts';
import { pageActions } from './page/pageActions.ts';
import { Pages } from './page/pages.ts';
import type { Chat, ContextReader } from './conversation/parts.ts';
import { ConversationStore } from './conversation/conversationStore.ts';
import { ChatView } from './page/view.ts';
import type { ViewActions } from './commands/viewCommands.ts';

export interface ChatParts {
  readonly context: vscode.ExtensionContext;
  readonly config: Pick<Config, 'onDidChange'>;
  readonly engine: Engine;
  readonly reader: ContextReader;
  readonly log: vscode.LogOutputChannel;
  readonly blocks: CodeBlocks;
  readonly colors: { current(): SyntaxColors; readonly onDidChange: vscode.Event<void> };
  settings(): Settings;
  keepEngine(): vscode.Disposable;
}

/** What has to end with the extension is pushed to `context.subscriptions`. */
export function createChat(parts: ChatParts): Chat & ViewActions {
  const { context, engine, log, colors, settings } = parts;
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
      pages,
      controller: () => controller,
      log: (text) => log.warn(text),
    }),
  );
  const controller: ChatController = new ChatController({
    ...surroundings(parts),
    pages,
    store: conversationStore(parts, pages),
    actions: pageActions({ ...parts, view }),
    automatic: () => editor.attachment,
  });
  own({ dispose: () => void controller.dispose() });
  own(engine.onDidChangeState(() => controller.engineChanged()));
  own(parts.config.onDidChange(() => controller.settingsChanged()));
  own(colors.onDidChange(() => controller.colorsChanged()));
  own(vscode.workspace.onDidGrantWorkspaceTrust(() => controller.showState()));
  return {
    ask: (question) => controller.ask(question),
    newConversation: () => controller.ask({ newConversation: true }),
    showList: () => controller.showList(),
    exportOpen: () => controller.exportOpen(),
    openInEditor: () => view.openInEditor(),
  };
}

/** Those of the workspace; windows without one have theirs together. */
function conversationStore({ context, log }: ChatParts, pages: Pages): ConversationStore {
  const folder = join((context.storageUri ?? context.globalStorageUri).fsPath, 'chats');
  return new ConversationStore(folder, (files) => {
    log.warn(`Conversations that could not be read: ${files.join(', ')}`);
    const { t } = vscode.l10n;
    const text = t('{0} saved chats could not be read. The log lists the files.', files.length);
    pages.post({ type: 'notice', text });
  });
}

function surroundings(parts: ChatParts): Omit<ControllerHost, 'pages' | 'store' | 'actions' | 'automatic'> {
  const { engine, settings, colors, log } = parts;
  const { t } = vscode.l10n;
  return {
    model: engine,
    reader: parts.reader,
    texts: (vscode.l10n.bundle ?? {}) as Record<string, string>,
    language: vscode.env.language,
    t,
    settings: () => ({ maxTokens: settings()['chat.maxTokens'], temperature: settings()['chat.temperature'] }),
    instruct,
    engine: () => engineView(engine.state, settings()['model.folder'] === '', t),
    contextLength: () => (engine.state.kind === 'ready' ? engine.state.model.contextLength : 0),
    colors: () => colors.current(),
    trusted: () => vscode.workspace.isTrusted,
    keepEngine: () => parts.keepEngine(),
    newId: () => randomUUID(),
    seed: () => randomInt(2 ** 31),
    nowMs: () => Date.now(),
    log: (message) => log.warn(message),
  };
}
