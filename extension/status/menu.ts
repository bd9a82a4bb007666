/** Menu of the status bar item: one entry per action available now, the remedy first. */
import * as vscode from 'vscode';
import { traffic } from '../../engine/traffic.ts';
import type { Remedy } from '../engine/engine.ts';
import { trafficSentence } from '../engine/trafficText.ts';
import { languageEnabled, type Settings } from '../settings.ts';
import type { StatusState, StatusText } from './status.ts';

export interface MenuLine {
  readonly label: string;
  readonly description?: string;
  readonly command: string;
}

export function menuLines(state: StatusState, settings: Settings, languageId: string | undefined): MenuLine[] {
  const { t } = vscode.l10n;
  const lines: MenuLine[] = [
    state.kind === 'disabled'
      ? { label: `$(check) ${t('Turn on completions')}`, command: 'airgap.enable' }
      : { label: `$(circle-slash) ${t('Turn off completions')}`, command: 'airgap.disable' },
  ];
  if (languageId !== undefined && state.kind !== 'disabled') {
    const on = languageEnabled(settings.enable, languageId);
    const label = on ? t('Turn off completions for {0}', languageId) : t('Turn on completions for {0}', languageId);
    lines.push({ label: `$(code) ${label}`, command: 'airgap.toggleLanguage' });
  }
  if (state.kind === 'snoozed') lines.push({ label: `$(bell) ${t('End snooze')}`, command: 'airgap.endSnooze' });
  else if (state.kind !== 'disabled') lines.push({ label: `$(bell-slash) ${t('Snooze…')}`, command: 'airgap.snooze' });
  if (state.kind !== 'disabled' && state.kind !== 'snoozed') {
    lines.push({ label: `$(debug-restart) ${t('Restart engine')}`, command: 'airgap.restartEngine' });
  }
  lines.push(
    { label: `$(folder) ${t('Choose a model…')}`, command: 'airgap.chooseModel' },
    { label: `$(gear) ${t('Open settings')}`, command: 'airgap.openSettings' },
    { label: `$(output) ${t('Show log')}`, command: 'airgap.showLog' },
    { label: `$(info) ${t('Show engine report')}`, command: 'airgap.showReport' },
    {
      label: `$(shield) ${t('Local only')}`,
      description: trafficSentence(traffic(), t),
      command: 'airgap.showTraffic',
    },
  );
  return state.kind === 'failed' ? remedyFirst(lines, state.remedy) : lines;
}

/** Shows the menu; resolves with the command to run. */
export async function pickFromMenu({ sentence }: StatusText, lines: readonly MenuLine[]): Promise<string | undefined> {
  const picked = await vscode.window.showQuickPick(lines, {
    title: 'Airgap',
    placeHolder: sentence.split('\n')[0] ?? '',
  });
  return picked?.command;
}

const REMEDY_COMMANDS: Record<Remedy, string> = {
  restart: 'airgap.restartEngine',
  chooseModel: 'airgap.chooseModel',
  settings: 'airgap.openSettings',
};

function remedyFirst(lines: readonly MenuLine[], remedy: Remedy): MenuLine[] {
  const command = REMEDY_COMMANDS[remedy];
  return [...lines.filter((line) => line.command === command), ...lines.filter((line) => line.command !== command)];
}
