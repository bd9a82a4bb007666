/** Shows the engine's report in a virtual document, which nobody has to save. */
import * as vscode from 'vscode';
import { errorMessage } from '../common/errorMessage.ts';
import type { Engine } from '../engine/engine.ts';

const URI = vscode.Uri.from({ scheme: 'airgap-report', path: 'Airgap.md' });

export class ReportView implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(URI.scheme, this);
  #text = '';

  get onDidChange(): vscode.Event<vscode.Uri> {
    return this.#changed.event;
  }

  provideTextDocumentContent(): string {
    return this.#text;
  }

  /** Opens a fresh report; rejects with EngineFailure. */
  async show(engine: Engine): Promise<void> {
    this.#text = await engine.report();
    this.#changed.fire(URI);
    await vscode.window.showTextDocument(URI, { preview: true });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }
}

/** Opens the report for the user. A failure is a message with a button that leads to the log. */
export async function showReport(engine: Engine, view: ReportView, log: vscode.LogOutputChannel): Promise<void> {
  try {
    await view.show(engine);
  } catch (error) {
    const showLog = vscode.l10n.t('Show log');
    if ((await vscode.window.showWarningMessage(`Airgap: ${errorMessage(error)}`, showLog)) === showLog) log.show();
  }
}
