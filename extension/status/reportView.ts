/** The engine's report as a document that nobody has to save. */
import * as vscode from 'vscode';
import type { Engine } from '../engine/localEngine.ts';
import { reportText } from '../engine/report.ts';

const URI = vscode.Uri.from({ scheme: 'airgap-report', path: 'Airgap.md' });

export class ReportView implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(URI.scheme, this);
  #text = '';

  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  get onDidChange(): vscode.Event<vscode.Uri> {
    return this.#changed.event;
  }

  provideTextDocumentContent(): string {
    return this.#text;
  }

  /** Shows what the engine says now; rejects with EngineFailure. */
  async show(engine: Engine): Promise<void> {
    const report = await engine.report();
    const notes = engine.state.kind === 'ready' ? engine.state.notes : [];
    this.#text = reportText(report, this.#version, notes);
    this.#changed.fire(URI);
    await vscode.window.showTextDocument(URI, { preview: true });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }
}

/** The user asked for it, so a failure may be a message; its button leads to the details. */
export async function showReport(engine: Engine, view: ReportView, log: vscode.LogOutputChannel): Promise<void> {
  try {
    await view.show(engine);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const showLog = vscode.l10n.t('Show log');
    if ((await vscode.window.showWarningMessage(`Airgap: ${message}`, showLog)) === showLog) log.show();
  }
}
