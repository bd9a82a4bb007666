/** One window's wishes: when it wants an engine, and what its status bar says. */
import * as vscode from 'vscode';
import type { SeenLines } from '../../engine/wire/protocol.ts';
import { isEligible } from '../reading/vscode/eligibility.ts';
import { type Completer, type ProviderHost, sessionIdOf } from '../completion/provider.ts';
import type { Config } from '../config.ts';
import { type Engine, remedyFor } from '../engine/localEngine.ts';
import { inform } from '../common/notice.ts';
import { anyLanguageEnabled, type Settings } from '../settings.ts';
import type { Snooze } from './snooze.ts';
import type { Status, StatusState } from './status.ts';

/** Opening an editor starts the engine after this pause, so that leafing through files starts nothing. */
const WARM_UP_MS = 1000;
/** Where only the chat needs the engine: a further question should find the model and what it has read. */
const CHAT_PAUSE_MS = 10 * 60_000;

type Failed = Extract<StatusState, { kind: 'failed' }>;

export interface WindowParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly snooze: Snooze;
  readonly status: Status;
  readonly log: vscode.LogOutputChannel;
  readonly chatPauseMs?: number;
}

export class Window implements ProviderHost, Completer, vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  #warmUp: NodeJS.Timeout | undefined;
  /** Answers that are being written. */
  #answers = 0;
  #chatPause: NodeJS.Timeout | undefined;
  #working = 0;
  /** Of the last request, where the engine itself is well. */
  #failure: Failed | undefined;
  #lastLogged = '';
  /** Of the last completion. */
  #seen: SeenLines | undefined;
  /** The documents whose rest the engine reads now. */
  readonly #reading = new Set<string>();

  readonly #parts: WindowParts;

  constructor(parts: WindowParts) {
    this.#parts = parts;

    const { config, engine, snooze, log } = parts;
    this.#subscriptions = [
      config.onDidChange((change) => this.#settingsChanged(change.affects('engine') || change.affects('model'))),
      snooze.onDidChange(() => this.#settingsChanged(false)),
      engine.onDidChangeState(() => {
        this.#failure = undefined;
        this.#seen = undefined;
        this.#reading.clear();
        this.#show();
      }),
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
      vscode.window.onDidChangeActiveTextEditor(() => this.#warmUpSoon()),
    ];
    this.#show();
    this.#warmUpSoon();
  }

  get settings(): Settings {
    return this.#parts.config.settings;
  }
  get awake(): boolean {
    return !this.#parts.snooze.active;
  }
  get contextLength(): number {
    const { state } = this.#parts.engine;
    return state.kind === 'ready' ? state.model.contextLength : 0;
  }
  get state(): StatusState {
    const { snooze, engine } = this.#parts;
    if (!anyLanguageEnabled(this.settings.enable)) return { kind: 'disabled' };
    if (snooze.active) return { kind: 'snoozed', until: snooze.until };
    if (engine.state.kind !== 'ready') return engine.state;
    return this.#failure ?? this.#settingsProblem() ?? engine.state;
  }

  inlineSuggestEnabled(document: vscode.TextDocument): boolean {
    return this.#parts.config.inlineSuggestEnabled(document);
  }
  trace(message: string): void {
    this.#parts.log.debug(message);
  }
  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    // The same sentence at every key would bury the rest of the log.
    if (message !== this.#lastLogged) this.#parts.log.warn(message);
    this.#lastLogged = message;
    if (this.#parts.engine.state.kind === 'ready') {
      this.#failure = { kind: 'failed', message, remedy: remedyFor(error), retrying: false };
    }
    this.#show();
  }

  /** The engine's answer, with a sign in the status bar while it works. */
  async complete(...call: Parameters<Completer['complete']>): ReturnType<Completer['complete']> {
    this.#working++;
    this.#show();
    try {
      const result = await this.#parts.engine.complete(...call);
      this.#failure = undefined;
      if (result.window.lines.length > 0) this.#seen = result.window;
      return result;
    } finally {
      this.#working--;
      this.#show();
    }
  }

  /** An answer needs the engine until this is disposed, also where completions are off; they end none. */
  keepEngine(): vscode.Disposable {
    this.#answers++;
    clearTimeout(this.#chatPause);
    return new vscode.Disposable(() => {
      this.#answers--;
      clearTimeout(this.#chatPause);
      this.#chatPause = setTimeout(() => this.#stopUnneeded(), this.#parts.chatPauseMs ?? CHAT_PAUSE_MS);
    });
  }

  dispose(): void {
    clearTimeout(this.#warmUp);
    clearTimeout(this.#chatPause);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #closed(sessionId: string): void {
    this.#reading.delete(sessionId);
    this.#parts.engine.closed(sessionId);
    this.#show();
  }

  /** Settings of the engine count with its next start. */
  #settingsChanged(needsRestart: boolean): void {
    if (needsRestart) this.#parts.engine.stop();
    this.#stopUnneeded();
    this.#show();
    this.#warmUpSoon();
  }

  /** Disabled or snoozed means no process, but for an answer that is being written. */
  #stopUnneeded(): void {
    const { kind } = this.state;
    if ((kind === 'disabled' || kind === 'snoozed') && this.#answers === 0) this.#parts.engine.stop();
  }

  #warmUpSoon(): void {
    clearTimeout(this.#warmUp);
    const { kind } = this.state;
    const document = vscode.window.activeTextEditor?.document;
    if (kind !== 'off' || !document || !isEligible(document, this.settings)) return;
    if (this.settings['completion.trigger'] === 'manual' || !this.inlineSuggestEnabled(document)) return;
    this.#warmUp = setTimeout(() => this.state.kind === 'off' && this.#parts.engine.warmUp(), WARM_UP_MS);
  }

  /** Completions come, but not as the user wished: a model of theirs must not be replaced without a word. */
  #settingsProblem(): Failed | undefined {
    const [message] = this.#parts.config.problems;
    return message === undefined ? undefined : { kind: 'failed', message, remedy: 'settings', retrying: false };
  }

  #show(): void {
    this.#parts.status.show(this.state, {
      working: this.#working > 0,
      reading: this.#reading.size > 0,
      seen: this.#seen,
      engineRuns: this.#parts.engine.state.kind !== 'off',
    });
  }
}
