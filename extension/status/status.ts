/** The one status bar item: what is going on, in words; a click offers what to do (menu.ts). */
import * as vscode from 'vscode';
import type { SeenLines } from '../../engine/wire/protocol.ts';
import type { EngineState, ReadyModel } from '../engine/engine.ts';

/** State of the window; all kinds but the first two come from the engine. */
export type StatusState = { kind: 'disabled' } | { kind: 'snoozed'; until: number } | EngineState;

/** Activity shown in addition to the state. */
export interface Activity {
  readonly working: boolean;
  /** Whether the rest of a file is being read between completions. */
  readonly reading: boolean;
  /** Lines of the document that the last completion was given. */
  readonly seen: SeenLines | undefined;
  /** Whether the engine is running, if only for the chat. */
  readonly engineRuns: boolean;
  /** State of the chat's model where it is not the one of the completions. */
  readonly chat: EngineState | undefined;
  /** What goes to a server; empty where none is used. */
  readonly server: string;
}

export interface StatusText {
  readonly icon: string;
  /** Short, beside the icon; empty where the icon says enough. */
  readonly label: string;
  /** The whole sentence: tooltip and screen reader. */
  readonly sentence: string;
}

/** Minutes that one click gives. */
const SHORT_SNOOZE = 15;
const WORKING_ICON = '$(loading~spin)';

export class Status implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;

  constructor(command: string) {
    this.#item = vscode.window.createStatusBarItem('airgap.status', vscode.StatusBarAlignment.Right, 100);
    this.#item.name = 'Airgap';
    this.#item.command = command;
    this.#item.show();
  }

  show(state: StatusState, activity: Activity): void {
    const { icon, label, sentence: own } = describe(state, activity);
    const sentence = activity.server === '' ? own : `${own}\n${activity.server}`;
    const shown = activity.working && state.kind === 'ready' ? WORKING_ICON : icon;
    this.#item.text = label === '' ? `${shown} Airgap` : `${shown} Airgap: ${label}`;
    this.#item.tooltip = tooltip(`Airgap: ${sentence}`, state);
    this.#item.accessibilityInformation = { label: `Airgap: ${sentence}`, role: 'button' };
    this.#item.backgroundColor =
      state.kind === 'failed' ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
  }

  dispose(): void {
    this.#item.dispose();
  }
}

/** The sentence, and what is one click away from it; the item's own click has the rest. */
function tooltip(sentence: string, { kind }: StatusState): vscode.MarkdownString {
  const { t } = vscode.l10n;
  const links =
    kind === 'disabled'
      ? [link(t('Turn on completions'), 'airgap.enable')]
      : kind === 'snoozed'
        ? [link(t('End snooze'), 'airgap.endSnooze')]
        : [
            link(t('Turn off completions'), 'airgap.disable'),
            link(t('Snooze for {0} minutes', SHORT_SNOOZE), 'airgap.snooze', SHORT_SNOOZE),
          ];
  const text = new vscode.MarkdownString().appendText(sentence).appendMarkdown(`\n\n${links.join(' · ')}`);
  text.isTrusted = { enabledCommands: ['airgap.enable', 'airgap.disable', 'airgap.snooze', 'airgap.endSnooze'] };
  return text;
}

function link(label: string, command: string, argument?: number): string {
  const query = argument === undefined ? '' : `?${encodeURIComponent(JSON.stringify([argument]))}`;
  return `[${label}](command:${command}${query})`;
}

/** Why no completion is to be expected; empty where one is. */
export function whyAsleep(state: StatusState): string {
  return ['disabled', 'snoozed', 'failed'].includes(state.kind) ? describe(state, {}).sentence : '';
}

export function describe(state: StatusState, activity: Partial<Activity>): StatusText {
  const { t } = vscode.l10n;
  switch (state.kind) {
    case 'disabled':
      return {
        icon: '$(circle-slash)',
        label: t('off'),
        sentence: activity.engineRuns
          ? t('Completions are off. The engine is running for the chat.')
          : t('Completions are off. The engine is not running.'),
      };
    case 'snoozed': {
      const time = new Date(state.until).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
      return {
        icon: '$(bell-slash)',
        label: t('snoozed'),
        sentence: activity.engineRuns
          ? t('Snoozed until {0}. The engine is running for the chat.', time)
          : t('Snoozed until {0}. The engine is not running.', time),
      };
    }
    case 'sleeping':
      return {
        icon: '$(sparkle)',
        label: t('sleeping'),
        sentence: [
          state.because === 'idle'
            ? t('The model was not used for a while, so it was unloaded. It will load when you go on in the editor.')
            : t('The chat needed the memory, so the model was unloaded. It will load with the next completion.'),
          ...chatSentences(undefined, activity),
        ].join('\n'),
      };
    case 'off':
    case 'starting':
      return beginning(state);
    case 'loading': {
      const percent = Math.floor(state.fraction * 100);
      return { icon: WORKING_ICON, label: t('{0}%', percent), sentence: t('Loading the model: {0}%.', percent) };
    }
    case 'ready': {
      const { name, backend, device, notes } = state.model;
      const sentence = t('Ready. Model: {0}. Backend: {1} ({2}).', name, backend, device);
      const sentences = [
        sentence,
        ...state.notes,
        ...notes,
        ...chatSentences(state.model, activity),
        ...contextSentences(activity),
      ];
      return { icon: '$(sparkle)', label: '', sentence: sentences.join('\n') };
    }
    case 'failed':
      return { icon: '$(warning)', label: t('error'), sentence: [state.message, wayOut(state)].join('\n') };
  }
}

/** Before the engine runs, or the server has answered. */
function beginning({ kind, server }: Extract<EngineState, { kind: 'off' | 'starting' }>): StatusText {
  const { t } = vscode.l10n;
  const isOff = kind === 'off';
  const icon = isOff ? '$(sparkle)' : WORKING_ICON;
  if (server === undefined) {
    return isOff
      ? { icon, label: '', sentence: t('The engine will start with the next completion.') }
      : { icon, label: t('starting'), sentence: t('The engine is starting.') };
  }
  return isOff
    ? { icon, label: '', sentence: t('{0} will be asked with the next completion.', server) }
    : { icon, label: t('connecting'), sentence: t('Connecting to {0}', server) };
}

/** The chat's model, where it is another one than `own`, and how it samples by itself. */
function chatSentences(own: ReadyModel | undefined, { chat: state }: Partial<Activity>): string[] {
  const { t } = vscode.l10n;
  if (state?.kind === 'sleeping') return [t('The chat model is sleeping. It will load with the next question.')];
  const model = state?.kind === 'ready' ? state.model : own;
  if (!model) return [];
  const { name, backend, device, notes, chat, sampling } = model;
  const other = [t('Chat model: {0}. Backend: {1} ({2}).', name, backend, device), ...notes];
  const sentences = model === own ? [] : other;
  if (!chat || sampling.temperature === 0) return sentences;
  const { temperature, topP, topK, repetitionPenalty } = sampling;
  const text = t(
    'Chat answers by default: temperature {0}, top-p {1}, top-k {2}, repetition penalty {3}.',
    ...[temperature, topP, topK, repetitionPenalty],
  );
  return [...sentences, text];
}

/** Which part of its file a completion is made of. */
function contextSentences({ reading, seen }: Partial<Activity>): string[] {
  const { t } = vscode.l10n;
  const sentences: string[] = [];
  if (seen) {
    const { lines, totalLines } = seen;
    const ranges = lines.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
    const [[first, last]] = lines as [[number, number]];
    const isWhole = first === 1 && last === totalLines;
    const list = new Intl.ListFormat(vscode.env.language).format(ranges);
    sentences.push(
      isWhole
        ? t('Context of the last completion: the whole file.')
        : lines.length === 1 && first === last
          ? t('Context of the last completion: line {0} of {1}.', first, totalLines)
          : t('Context of the last completion: lines {0} of {1}.', list, totalLines),
    );
  }
  if (reading) sentences.push(t('Reading the rest of the file in the background…'));
  return sentences;
}

/** The click opens the menu, whose first line does it. */
function wayOut({ remedy, retrying }: Extract<EngineState, { kind: 'failed' }>): string {
  const { t } = vscode.l10n;
  if (retrying) return t('Click to restart the engine now.');
  switch (remedy) {
    case 'restart':
      return t('Click to restart the engine.');
    case 'chooseModel':
      return t('Click to choose another model.');
    case 'settings':
      return t('Click to open the settings.');
    case 'server':
      return t('Click to choose a server, or this machine.');
  }
}
