/** The command table: id -> what it does. A test keeps it equal to package.json. */
import * as vscode from 'vscode';
import { chatCommands } from './chat/commands/chatCommands.ts';
import type { CommandTable } from './common/commands.ts';
import { told } from './common/notice.ts';
import type { ReportView } from './common/reportView.ts';
import type { CodeBlocks } from './edits/vscode/codeBlocks.ts';
import type { Chat } from './chat/chat.ts';
import type { Config } from './config.ts';
import type { Engine } from './engine/engine.ts';
import { clickedPicture } from './ocr/vscode/textDocuments.ts';
import { readTextCommand, type ReadTextCommandHost } from './ocr/vscode/readTextCommand.ts';
import type { ScreenshotToCode } from './screenshot/screenshotToCode.ts';
import type { InlineEdit } from './inlineEdit/inlineEdit.ts';
import { modelCommands, type Models } from './models/modelCommands.ts';
import { selfTest, type SelfTestHost } from './selfTest/selfTest.ts';
import { menuLines, pickFromMenu } from './status/menu.ts';
import { serverCommands, type UseServerHost } from './remote/vscode/useServer.ts';
import { whereText } from './remote/whereText.ts';
import { showReport } from './status/showReport.ts';
import { showTraffic } from './status/showTraffic.ts';
import { languageEnabled, withLanguage } from './settings.ts';
import type { Snooze } from './status/snooze.ts';
import { describe, type StatusState } from './status/status.ts';
import type { FirstStart } from './walkthrough/firstStart.ts';
import { walkthroughCommands } from './walkthrough/walkthroughCommands.ts';

export interface CommandHost extends UseServerHost {
  readonly config: Config;
  readonly engine: Engine;
  readonly snooze: Snooze;
  readonly log: vscode.LogOutputChannel;
  readonly report: ReportView;
  readonly chat: Chat;
  readonly models: Models;
  readonly blocks: CodeBlocks;
  readonly edit: InlineEdit;
  readonly screenshot: ScreenshotToCode;
  readonly search: { rebuild(): Promise<void> };
  readonly texts: Pick<ReadTextCommandHost, 'options'>;
  readonly selfTest: SelfTestHost;
  readonly firstStart: FirstStart;
  state(): StatusState;
}

const SNOOZE_MINUTES = [5, 15, 60];

export function commandTable(host: CommandHost): CommandTable {
  const ofChat = chatCommands(() => ({
    chat: host.chat,
    model: host.engine.chatModel,
    settings: host.config.settings,
  }));
  return {
    ...windowCommands(host),
    ...modelCommands(() => host.models),
    ...serverCommands(() => host),
    ...ofChat,
    ...walkthroughCommands(() => host),
    // Pictures in the chat have these commands in their context menu.
    'airgap.explainImage': (uri, uris) => ofChat['airgap.explainImage']!(clickedPicture(uri) ?? uri, uris),
    'airgap.readText': (uri) => told(() => readTextCommand(readTextHost(host), clickedPicture(uri) ?? uri)),
    'airgap.rebuildIndex': () => host.search.rebuild(),
    'airgap.screenshotToCode': (uri) => told(() => host.screenshot.run(clickedPicture(uri) ?? uri)),
    'airgap.applyChanges': () => host.blocks.applyChanges(),
    'airgap.discardChanges': () => host.blocks.discardChanges(),
    'airgap.inlineEdit': (instruction) => host.edit.run(instruction),
    'airgap.acceptHunk': (uri, id) => host.edit.decideHunk('accept', uri, id),
    'airgap.rejectHunk': (uri, id) => host.edit.decideHunk('reject', uri, id),
    'airgap.acceptAllHunks': () => host.edit.decideAll('accept'),
    'airgap.rejectAllHunks': () => host.edit.decideAll('reject'),
  };
}

function readTextHost({ chat, texts: { options } }: CommandHost): ReadTextCommandHost {
  const ask = (document: vscode.Uri, text: string): Promise<void> =>
    chat.ask({ text, attachments: [{ kind: 'file', uri: document.toString() }], send: text !== '' });
  return { pictures: chat.pictures, options, ask };
}

function windowCommands(host: CommandHost): CommandTable {
  const { config, engine, snooze, log } = host;
  const setLanguage = (languageId: string, on: boolean): Promise<void> =>
    config.update('enable', withLanguage(config.settings.enable, languageId, on));
  return {
    'airgap.showMenu': () => showMenu(host),
    'airgap.enable': () => setLanguage('*', true),
    'airgap.disable': () => setLanguage('*', false),
    'airgap.toggleLanguage': () => {
      const languageId = currentLanguage();
      return languageId && setLanguage(languageId, !languageEnabled(config.settings.enable, languageId));
    },
    'airgap.snooze': (minutes) => startSnooze(snooze, minutes),
    'airgap.endSnooze': () => snooze.end(),
    'airgap.restartEngine': () => isAwake(host.state()) && engine.restart(),
    'airgap.openSettings': () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:airgap.airgap'),
    'airgap.showLog': () => log.show(),
    'airgap.showReport': () => showReport(host.engine, host.report, log),
    'airgap.selfTest': () => {
      host.firstStart.postpone();
      return told(() => selfTest(host.selfTest));
    },
    'airgap.showTraffic': () => told(() => showTraffic(engine, host.report)),
  };
}

/** Off and snoozed mean no process; only the report starts one, for as long as it takes. */
function isAwake({ kind }: StatusState): boolean {
  return kind !== 'disabled' && kind !== 'snoozed';
}

function currentLanguage(): string | undefined {
  return vscode.window.activeTextEditor?.document.languageId;
}

async function showMenu(host: CommandHost): Promise<void> {
  const state = host.state();
  const command = await pickFromMenu(
    describe(state, { engineRuns: host.engine.running }),
    menuLines(state, {
      settings: host.config.settings,
      languageId: currentLanguage(),
      where: whereText(host.server, vscode.l10n.t),
    }),
  );
  if (command) await vscode.commands.executeCommand(command);
}

/** The status bar's tooltip says for how long; the menu and the palette ask. */
async function startSnooze(snooze: Snooze, minutes: unknown): Promise<void> {
  if (SNOOZE_MINUTES.some((each) => each === minutes)) return snooze.start(minutes as number);
  const lines = SNOOZE_MINUTES.map((minutes) => ({ label: vscode.l10n.t('{0} minutes', minutes), minutes }));
  const picked = await vscode.window.showQuickPick(lines, { title: vscode.l10n.t('Snooze completions for') });
  if (picked) snooze.start(picked.minutes);
}
