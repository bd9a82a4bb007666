/** Creates the engine of a window from the local one, and what decides about a server. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { SyntaxErrors } from '../../engine/syntax/syntaxErrors.ts';
import type { Config } from '../config.ts';
import type { Engine } from '../engine/engine.ts';
import { listModels } from './client.ts';
import { MixedEngine } from './mixedEngine.ts';
import { createRemoteChat, createRemoteCompletion } from './remoteModel.ts';
import { ServerUse } from './serverUse.ts';

export interface CreateMixedEngineHost {
  readonly context: Pick<vscode.ExtensionContext, 'extensionPath' | 'subscriptions' | 'secrets' | 'globalState'>;
  readonly config: Config;
  readonly local: Engine;
  log(message: string): void;
}

/** Registers in `context.subscriptions` everything that has to be disposed with the extension. */
export function createMixedEngine({ context, config, local, log }: CreateMixedEngineHost): {
  readonly engine: Engine;
  readonly server: ServerUse;
} {
  const { t } = vscode.l10n;
  const remote = { t, log };
  const syntax = new SyntaxErrors(join(context.extensionPath, 'dist'), log);
  const server = new ServerUse({
    ...{ config, secrets: context.secrets, memory: context.globalState, t },
    list: (asked, signal) => listModels(asked, remote, signal),
  });
  const engine = new MixedEngine({
    local,
    use: server,
    chat: (chosen) => createRemoteChat(chosen, remote),
    completion: (chosen) => createRemoteCompletion(chosen, remote, syntax),
  });
  context.subscriptions.push(server, engine);
  return { engine, server };
}
