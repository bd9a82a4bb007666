/** The window's controller: tells the engine when completions want it, and shows its state in the status bar. */
import * as vscode from 'vscode';
import type { SeenLines } from '../../engine/wire/protocol.ts';
import { type CompletionHost, sessionIdOf } from '../completion/provider.ts';
import type { Config } from '../config.ts';
import type { CompletionModel, Engine, EngineState } from '../engine/engine.ts';
import { remedyFor } from '../engine/remedy.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { inform } from '../common/notice.ts';
import { anyLanguageEnabled, type Settings } from '../settings.ts';
import { serverSentence } from '../remote/whereText.ts';
import type { ServerUse } from '../remote/serverUse.ts';
import type { Snooze } from './snooze.ts';
import type { Status, StatusState } from './status.ts';

type Failed = Extract<StatusState, { kind: 'failed' }>;

export interface WindowControllerHost {
  readonly config: Config;
  readonly engine: Engine;
  readonly snooze: Snooze;
  readonly status: Status;
  readonly server: Pick<ServerUse, 'for' | 'onDidChange'>;
  readonly log: vscode.LogOutputChannel;
}

export class WindowController implements CompletionHost, CompletionModel, vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  #working = 0;
  /** Failure of the last request, if the engine itself works. */
  #failure: Failed | undefined;
  #lastLogged = '';
  /** Lines that the last completion was given. */
  #seen: SeenLines | undefined;
  /** The documents whose rest the engine reads now. */
  readonly #reading = new Set<string>();

  readonly #host: WindowControllerHost;

  constructor(host: WindowControllerHost) {
    this.#host = host;
    const { config, engine, snooze, log, server } = host;
    this.#subscriptions = [
      config.onDidChange(() => {
        engine.settingsChanged();
        this.#wishChanged();
      }),
      snooze.onDidChange(() => this.#wishChanged()),
      server.onDidChange(() => this.#show()),
      engine.completionModel.onDidChangeState(() => {
        this.#failure = undefined;
        this.#seen = undefined;
        this.#reading.clear();
        this.#show();
      }),
      engine.chatModel.onDidChangeState(() => this.#show()),
      engine.onDidRead(({ sessionId, active }) => {
        if (active) this.#reading.add(sessionId);
        else this.#reading.delete(sessionId);
        this.#show();
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.#closed(sessionIdOf(document))),
      engine.onDidMove((reason) => {
        log.warn(reason);
        inform(vscode.l10n.t('Airgap has switched to the CPU. {0}', reason));
      }),
    ];
    this.#updateStandby();
    this.#show();
  }

  get settings(): Settings {
    return this.#host.config.settings;
  }
  get awake(): boolean {
    return !this.#host.snooze.active;
  }
  get contextLength(): number {
    const { state } = this.#host.engine.completionModel;
    // A server is sent the least: each key sends it anew.
    return state.kind === 'ready' && state.model.backend !== 'server' ? state.model.contextLength : 0;
  }
  get state(): StatusState {
    const { snooze } = this.#host;
    const model = this.#host.engine.completionModel.state;
    if (!anyLanguageEnabled(this.settings.enable)) return { kind: 'disabled' };
    if (snooze.active) return { kind: 'snoozed', until: snooze.until };
    if (model.kind !== 'ready') return model;
    return this.#failure ?? this.#settingsProblem() ?? model;
  }

  inlineSuggestEnabled(document: vscode.TextDocument): boolean {
    return this.#host.config.inlineSuggestEnabled(document);
  }
  warmUp(): void {
    const { engine } = this.#host;
    const { state } = engine.completionModel;
    if (state.kind === 'off' || (state.kind === 'sleeping' && state.because === 'idle')) engine.warmUp('completion');
  }
  trace(message: string): void {
    this.#host.log.debug(message);
  }
  failed(error: unknown): void {
    const message = errorMessage(error);
    // The same sentence at every key would bury the rest of the log.
    if (message !== this.#lastLogged) this.#host.log.warn(message);
    this.#lastLogged = message;
    if (this.#host.engine.completionModel.state.kind === 'ready') {
      this.#failure = { kind: 'failed', message, remedy: remedyFor(error), retrying: false };
    }
    this.#show();
  }

  /** The engine's answer, with a sign in the status bar while it works. */
  async complete(...call: Parameters<CompletionModel['complete']>): ReturnType<CompletionModel['complete']> {
    this.#working++;
    this.#show();
    try {
      const result = await this.#host.engine.completionModel.complete(...call);
      this.#failure = undefined;
      if (result.seen.lines.length > 0) this.#seen = result.seen;
      return result;
    } finally {
      this.#working--;
      this.#show();
    }
  }

  prefill(...call: Parameters<CompletionModel['prefill']>): ReturnType<CompletionModel['prefill']> {
    return this.#host.engine.completionModel.prefill(...call);
  }

  typing(): void {
    this.#host.engine.completionModel.typing();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #closed(sessionId: string): void {
    this.#reading.delete(sessionId);
    this.#host.engine.closed(sessionId);
    this.#show();
  }

  /** Completions may be wanted now, or no longer. */
  #wishChanged(): void {
    this.#updateStandby();
    this.#show();
  }

  /** While completions are off or snoozed, only the chat uses the engine. */
  #updateStandby(): void {
    const { kind } = this.state;
    this.#host.engine.setStandby(kind !== 'disabled' && kind !== 'snoozed');
  }

  /** Completions come, but not as the user wished: a model of theirs must not be replaced without a word. */
  #settingsProblem(): Failed | undefined {
    const [message] = this.#host.config.problems;
    return message === undefined ? undefined : { kind: 'failed', message, remedy: 'settings', retrying: false };
  }

  get #chat(): EngineState | undefined {
    const { completionModel, chatModel } = this.#host.engine;
    return completionModel.state === chatModel.state ? undefined : chatModel.state;
  }

  #show(): void {
    this.#host.status.show(this.state, {
      working: this.#working > 0,
      reading: this.#reading.size > 0,
      seen: this.#seen,
      engineRuns: this.#host.engine.running,
      chat: this.#chat,
      server: serverSentence(this.#host.server, vscode.l10n.t),
    });
  }
}
