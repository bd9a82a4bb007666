/** Appearance of hunks: a colour and a sign for every line, marks in the ruler, and two buttons above each hunk. */
import * as vscode from 'vscode';
import type { Hunk } from './hunks.ts';

export class HunkMarks implements vscode.Disposable {
  readonly #removed = lineMark('-', 'removed', 'deletedResource');
  readonly #added = lineMark('+', 'inserted', 'addedResource');

  show(editor: vscode.TextEditor, hunks: readonly Hunk[]): void {
    const lines = (from: number, count: number): vscode.Range[] =>
      Array.from({ length: count }, (_, index) => editor.document.lineAt(from + index).range);
    editor.setDecorations(
      this.#removed,
      hunks.flatMap(({ start, old }) => lines(start, old)),
    );
    editor.setDecorations(
      this.#added,
      hunks.flatMap(({ start, old, fresh }) => lines(start + old, fresh)),
    );
  }

  dispose(): void {
    this.#removed.dispose();
    this.#added.dispose();
  }
}

function lineMark(sign: string, kind: 'removed' | 'inserted', resource: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor(`diffEditor.${kind}LineBackground`),
    before: {
      contentText: sign,
      margin: '0 1ch 0 0',
      color: new vscode.ThemeColor(`gitDecoration.${resource}Foreground`),
    },
    // Visible even if a high-contrast theme has no background colours for changed lines.
    borderColor: new vscode.ThemeColor(`diffEditor.${kind}TextBorder`),
    overviewRulerColor: new vscode.ThemeColor(`diffEditorOverview.${kind}Foreground`),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
}

export function hunkLenses(document: vscode.TextDocument, hunks: readonly Hunk[]): vscode.CodeLens[] {
  return hunks.flatMap(({ id, start }) => {
    const range = new vscode.Range(start, 0, start, 0);
    const lens = (title: string, command: string): vscode.CodeLens =>
      new vscode.CodeLens(range, { title, command, arguments: [document.uri.toString(), id] });
    return [
      lens(vscode.l10n.t('$(check) Accept'), 'airgap.acceptHunk'),
      lens(vscode.l10n.t('$(discard) Reject'), 'airgap.rejectHunk'),
    ];
  });
}
