import './zodWithoutEval.ts';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { createChat, picturesFolder } from './chat/createChat.ts';
import { ChatCodeActions } from './chat/commands/codeActions.ts';
import { CodeBlocks } from './edits/vscode/codeBlocks.ts';
import { WorkspaceContext } from './chat/context/workspaceContext.ts';
import { registerLanguageModel } from './languageModel/languageModel.ts';
import { ThemeColors } from './chat/page/syntaxColors.ts';
import { commandTable } from './commandTable.ts';
import { CursorRest } from './completion/cursorRest.ts';
import { GhostCache } from './completion/ghostCache.ts';
import { OtherFiles } from './completion/otherFiles.ts';
import { CompletionProvider } from './completion/provider.ts';
import { Config } from './config.ts';
import { engineNodeOptions, followBuilds } from './development.ts';
import type { ModelStatus } from './engine/engine.ts';
import { createLocalEngine, engineLaunch, kvDiskCache } from './engine/createLocalEngine.ts';
import { createMixedEngine } from './remote/createMixedEngine.ts';
import { createLog } from './common/log.ts';
import { ReportView } from './common/reportView.ts';
import { createModels } from './models/createModels.ts';
import { defaultModel } from './models/defaultModel.ts';
import { InlineEdit, type InlineEditHost } from './inlineEdit/inlineEdit.ts';
import { createPictureTexts } from './ocr/vscode/createPictureTexts.ts';
import { ProjectInstructions } from './reading/vscode/projectInstructions.ts';
import { RereadingSearch } from './retrieval/rereadingSearch.ts';
import { Retrieval } from './retrieval/vscode/retrieval.ts';
import { createScreenshot } from './screenshot/createScreenshot.ts';
import type { SelfTestHost } from './selfTest/selfTest.ts';
import { Snooze } from './status/snooze.ts';
import { Status, type StatusState, whyAsleep } from './status/status.ts';
import { WindowController } from './status/windowController.ts';
import { FirstStart } from './walkthrough/firstStart.ts';

/** Builds everything and registers it. The engine process itself starts later: see completion/cursorRest.ts. */
export function activate(context: vscode.ExtensionContext): void {
  const own = <T extends vscode.Disposable>(thing: T): T => {
    context.subscriptions.push(thing);
    return thing;
  };
  const { extensionPath, packageJSON } = context.extension;
  const { version } = packageJSON as { version: string };
  const cacheFolder = join(context.globalStorageUri.fsPath, 'read-files');

  const log = own(createLog());
  const config = own(
    new Config(
      (problem) => log.warn(problem),
      (settings) => defaultModel(extensionPath, settings),
    ),
  );
  const settings = () => config.settings;
  const development = context.extensionMode === vscode.ExtensionMode.Development;
  const nodeOptions = development ? engineNodeOptions() : [];
  const start = { extensionPath, version, nodeOptions, settings, log: (message: string) => log.info(message) };
  const local = own(createLocalEngine({ ...start, cacheFolder }));
  const { engine, server } = createMixedEngine({ context, config, local, log: start.log });
  // Takes effect at once, not only when the engine next starts.
  own(config.onDidChange(() => kvDiskCache(cacheFolder, config.settings['engine.diskCacheGigabytes'])));
  const [snooze, status] = [own(new Snooze()), own(new Status('airgap.showMenu'))];
  const window = own(new WindowController({ config, engine, server, snooze, status, log }));

  own(registerCompletions(window, { config, snooze, model: engine.completionModel }));

  const { storageUri } = context;
  const index = own(new Retrieval({ programFolder: join(extensionPath, 'dist'), storageUri, settings, log }));
  const texts = own(createPictureTexts({ folder: picturesFolder(context), extensionPath, settings }));
  const reader = new WorkspaceContext({
    search: new RereadingSearch(index, { model: engine.chatModel, log: start.log }),
    pictureText: (picture, signal) => texts.documentOf(picture, signal),
    get settings() {
      return config.settings;
    },
  });
  const instructions = own(new ProjectInstructions());
  const blocks = own(new CodeBlocks());
  const colors = own(new ThemeColors((message) => log.warn(message)));
  const chat = createChat({ context, config, settings, engine, server, reader, log, instructions, blocks, colors });
  if (development) own(followBuilds({ dist: join(extensionPath, 'dist'), engine, reloadPages: chat.reloadPages }));
  const edit = own(createInlineEdit(context, { model: engine.chatModel, instructions, settings, blocks }));
  own(vscode.languages.registerCodeActionsProvider('*', new ChatCodeActions(), ChatCodeActions.metadata));
  own(registerLanguageModel({ model: engine.chatModel, settings, server: () => server.for('chat') }));
  const screenshot = own(createScreenshot({ context, engine, chat, blocks, log, settings, texts }));

  const report = own(new ReportView());
  const models = createModels({ context, config, engine: local, server, report, log });
  const state = () => window.state;
  const firstStart = own(new FirstStart(context));
  const selfTest = selfTestHost(start, state);
  const features = { chat, models, blocks, edit, screenshot, search: index, texts, selfTest };
  const commands = commandTable({ config, engine, server, snooze, log, report, state, firstStart, ...features });
  for (const [id, run] of Object.entries(commands)) own(vscode.commands.registerCommand(id, run));
}

function registerCompletions(
  window: WindowController,
  { config, snooze, model }: { config: Config; snooze: Snooze; model: ModelStatus },
): vscode.Disposable {
  const cache = new GhostCache();
  const otherFiles = new OtherFiles(() => config.settings);
  const provider = new CompletionProvider(window, cache, window, otherFiles);
  const registered = vscode.Disposable.from(
    config.onDidChange(() => cache.clear()),
    otherFiles,
    new CursorRest({ provider, model, onDidChangeWish: [config.onDidChange, snooze.onDidChange] }),
    vscode.languages.registerInlineCompletionItemProvider('*', provider),
  );
  void provider.catchUp();
  return registered;
}

function selfTestHost(start: Parameters<typeof engineLaunch>[0], state: () => StatusState): SelfTestHost {
  return {
    extensionPath: start.extensionPath,
    launch: () => engineLaunch({ ...start, nodeOptions: [] }, 'self-test'),
    allowSoftwareGpu: () => start.settings()['engine.allowSoftwareGpu'],
    noCompletions: () => whyAsleep(state()),
  };
}

function createInlineEdit(
  { workspaceState: memory }: vscode.ExtensionContext,
  { blocks, ...host }: Omit<InlineEditHost, 'memory' | 'preview'> & { blocks: CodeBlocks },
): InlineEdit {
  return new InlineEdit({ ...host, memory, preview: blocks.propose.bind(blocks) });
}
