import * as vscode from 'vscode';
import { errorMessage } from '../common/errorMessage.ts';
import type { ReportView } from '../common/reportView.ts';
import type { Engine } from '../engine/engine.ts';

/** Opens a fresh report of the engine. A failure is a message with a button that leads to the log. */
export async function showReport(engine: Engine, view: ReportView, log: vscode.LogOutputChannel): Promise<void> {
  try {
    await view.show('Airgap.md', await engine.report());
  } catch (error) {
    const showLog = vscode.l10n.t('Show log');
    if ((await vscode.window.showWarningMessage(`Airgap: ${errorMessage(error)}`, showLog)) === showLog) log.show();
  }
}
