/** Menu of the status bar item: one entry per action available now, the remedy first. */
import * as vscode from 'vscode';
import type { Remedy } from '../engine/engine.ts';
import type { Where } from '../remote/whereText.ts';
import { languageEnabled, type Settings } from '../settings.ts';
import type { StatusState, StatusText } from './status.ts';

export interface MenuLine {
  readonly label: string;
  readonly description?: string;
  readonly command: string;
}

export interface MenuHost {
  readonly settings: Settings;
  /** Of the document that is edited. */
  readonly languageId: string | undefined;
  readonly where: Where;
}

export function menuLines(state: StatusState, { settings, languageId, where }: MenuHost): MenuLine[] {
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
    ...serverLines(settings),
    { label: `$(gear) ${t('Open settings')}`, command: 'airgap.openSettings' },
    { label: `$(output) ${t('Show log')}`, command: 'airgap.showLog' },
    { label: `$(info) ${t('Show engine report')}`, command: 'airgap.showReport' },
    {
      label: `${where.goes ? '$(server-environment)' : '$(shield)'} ${where.place}`,
      description: where.sent.replace('\n', ' '),
      command: 'airgap.showTraffic',
    },
  );
  return state.kind === 'failed' ? remedyFirst(lines, state.remedy) : lines;
}

function serverLines({ 'remote.url': url }: Settings): MenuLine[] {
  const { t } = vscode.l10n;
  if (url === '') return [{ label: `$(plug) ${t('Use a server…')}`, command: 'airgap.useServer' }];
  return [
    { label: `$(plug) ${t('Server…')}`, description: url, command: 'airgap.useServer' },
    { label: `$(debug-disconnect) ${t('Stop using the server')}`, command: 'airgap.stopUsingServer' },
  ];
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
  server: 'airgap.useServer',
};

function remedyFirst(lines: readonly MenuLine[], remedy: Remedy): MenuLine[] {
  const command = REMEDY_COMMANDS[remedy];
  return [...lines.filter((line) => line.command === command), ...lines.filter((line) => line.command !== command)];
}
