/** Which model is used for what: the settings say it, and the engine loads it. */
import * as vscode from 'vscode';
import type { ListedModel } from '../../engine/wire/models.ts';
import { settingOf, STARTER } from '../bundledModels.ts';
import { withoutLinks } from '../common/notice.ts';
import type { Config } from '../config.ts';
import type { Engine, EngineState, Purpose } from '../engine/engine.ts';
import { modelOf, type Settings } from '../settings.ts';
import type { ServerUse } from '../remote/serverUse.ts';
import type { ModelUse } from './modelTexts.ts';

export interface UseModelHost {
  readonly config: Pick<Config, 'settings' | 'update' | 'reread'>;
  /** Of this machine. */
  readonly engine: Pick<Engine, 'completionModel' | 'chatModel' | 'stop' | 'warmUp'>;
  readonly server: Pick<ServerUse, 'for' | 'useLocally' | 'onDidChange'>;
}

/** What a model can be chosen for. */
export const USES = ['both', 'completion', 'chat'] as const;
export type Use = (typeof USES)[number];

/** How a model is used now, and where it computes. A server takes the place of the model that a setting names. */
export function useOf({ config, engine, server }: UseModelHost, model: ListedModel): ModelUse {
  const setting = settingOf(model);
  const purposes = (['completion', 'chat'] as const).filter(
    (each) => modelOf(config.settings, each) === setting && !server.for(each),
  );
  const states = purposes.map((each) => (each === 'chat' ? engine.chatModel : engine.completionModel).state);
  const ready = states.find((state) => state.kind === 'ready');
  return { purposes, backend: ready && `${ready.model.backend} (${ready.model.device})` };
}

/**
 * Makes a model the one for a purpose, also in the place of a server, and has it loaded. `name` is what the settings say,
 * as settingOf returns it. Shows a failure to load with a button that asks again.
 */
export async function useModel(host: UseModelHost, name: string, use: Use): Promise<void> {
  const { config, engine, server } = host;
  const before = config.settings;
  for (const [key, value] of changes(before, name, use)) await config.update(key, value);
  await server.useLocally(use === 'both' ? ['completion', 'chat'] : [use]);
  const purpose = use === 'chat' ? 'chat' : 'completion';
  const model = purpose === 'chat' ? engine.chatModel : engine.completionModel;
  // The same model again, mended meanwhile, changes no setting.
  if (model.state.kind === 'failed') engine.stop();
  engine.warmUp(purpose);
  const state = await settled(model);
  if (state.kind === 'failed' && modelOf(config.settings, purpose) === name) await showFailure(state, purpose);
}

/** The settings to write. Only completions: the chat keeps the model that it has had from them, if that can chat. */
function changes(settings: Settings, name: string, use: Use): ['completion.model' | 'chat.model', string][] {
  if (use === 'chat') return [['chat.model', name]];
  const had = settings['chat.model'] || settings['completion.model'];
  const chat = use === 'both' || had === STARTER ? '' : had;
  // A default is not written yet, and would not outlast the change of the completions' model.
  const chatChange: ['chat.model', string][] =
    chat === '' && settings['chat.model'] === '' ? [] : [['chat.model', chat]];
  return [...chatChange, ['completion.model', name]];
}

/** Waits until the model is loaded, has failed, or is no longer wanted. */
function settled(model: Engine['completionModel'] | Engine['chatModel']): Promise<EngineState> {
  const isSettled = (state: EngineState): boolean => /^(ready|failed|off|sleeping)$/.test(state.kind);
  if (isSettled(model.state)) return Promise.resolve(model.state);
  return new Promise((resolve) => {
    const listener = model.onDidChangeState((state) => {
      if (!isSettled(state)) return;
      listener.dispose();
      resolve(state);
    });
  });
}

async function showFailure({ message }: Extract<EngineState, { kind: 'failed' }>, purpose: Purpose): Promise<void> {
  const another = vscode.l10n.t('Choose another');
  const picked = await vscode.window.showWarningMessage(withoutLinks(message), another);
  if (picked === another) await vscode.commands.executeCommand('airgap.chooseModel', purpose);
}
