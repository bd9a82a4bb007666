import * as vscode from 'vscode';
import { traffic } from '../../engine/traffic.ts';
import type { ReportView } from '../common/reportView.ts';
import type { Engine } from '../engine/engine.ts';
import { trafficReport } from '../engine/trafficText.ts';

/** Opens a document that says what was sent where, by this window and by the engine. It starts nothing. */
export async function showTraffic(engine: Engine, view: ReportView): Promise<void> {
  const { t } = vscode.l10n;
  const processes = [
    { name: t('This window'), traffic: traffic() },
    { name: t('The engine'), traffic: await engine.traffic() },
  ];
  await view.show('Airgap traffic.md', trafficReport(processes, t));
}
