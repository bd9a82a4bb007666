/** Creates what the extension has about models: the program, the list and the view. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { told } from '../common/notice.ts';
import type { ReportView } from '../common/reportView.ts';
import type { Config } from '../config.ts';
import { runtimeChoice } from '../engine/createLocalEngine.ts';
import type { Engine } from '../engine/engine.ts';
import type { ServerUse } from '../remote/serverUse.ts';
import { importPath } from './importModel.ts';
import type { Models } from './modelCommands.ts';
import { ModelList } from './modelList.ts';
import { ModelsView } from './modelsView.ts';
import { Program } from './program.ts';
import { storeVariables } from './storeVariables.ts';

export interface CreateModelsHost {
  readonly context: Pick<vscode.ExtensionContext, 'extension' | 'subscriptions' | 'globalStorageUri' | 'secrets'>;
  readonly config: Config;
  /** Of this machine. */
  readonly engine: Engine;
  readonly server: ServerUse;
  readonly report: ReportView;
  readonly log: vscode.LogOutputChannel;
}

/** Registers in `context.subscriptions` everything that has to be disposed with the extension. */
export function createModels({ context, config, engine, server, report, log }: CreateModelsHost): Models {
  const own = <T extends vscode.Disposable>(thing: T): T => {
    context.subscriptions.push(thing);
    return thing;
  };
  const { extensionPath } = context.extension;
  const program = new Program({
    programFile: join(extensionPath, 'dist', 'airgap.cjs'),
    choice: () => runtimeChoice(extensionPath, config.settings),
    variables: () => storeVariables(config.settings),
    log: (message) => log.info(message),
  });
  const list = own(new ModelList({ program, settings: () => config.settings, log: (message) => log.warn(message) }));
  const models = {
    config,
    engine,
    server,
    report,
    program,
    list,
    secrets: context.secrets,
    storage: context.globalStorageUri.fsPath,
  };
  const view = own(new ModelsView({ ...models, importPath: (path) => told(() => importPath(models, path)) }));
  const listed = (): string => {
    const { 'completion.model': completion, 'chat.model': chat } = config.settings;
    return JSON.stringify([completion, chat, storeVariables(config.settings)]);
  };
  let before = listed();
  own(
    config.onDidChange(() => {
      const changed = listed() !== before;
      before = listed();
      if (changed && view.visible) void list.refresh();
    }),
  );
  return models;
}
