/** Light bulb actions: Explain, Fix and Document. Each asks in the chat and changes nothing itself. */
import * as vscode from 'vscode';
import { hasCode } from '../../reading/vscode/eligibility.ts';

const EXPLAIN = vscode.CodeActionKind.Empty.append('airgap.explain');
const KINDS = [vscode.CodeActionKind.QuickFix, EXPLAIN, vscode.CodeActionKind.RefactorRewrite];

export class ChatCodeActions implements vscode.CodeActionProvider {
  static readonly metadata: vscode.CodeActionProviderMetadata = { providedCodeActionKinds: KINDS };

  /** Provides titles and commands only; the code is read when an action is chosen. */
  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics, triggerKind, only }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    if (!hasCode(document)) return [];
    const { t } = vscode.l10n;
    const arguments_ = [document.uri, range];
    const action = (title: string, command: string, kind: vscode.CodeActionKind): vscode.CodeAction => {
      const made = new vscode.CodeAction(title, kind);
      made.command = { title, command, arguments: arguments_ };
      return made;
    };
    const actions: vscode.CodeAction[] = [];
    if (diagnostics.length > 0) {
      const fix = action(t('Fix with Airgap'), 'airgap.fix', vscode.CodeActionKind.QuickFix);
      fix.diagnostics = [...diagnostics];
      actions.push(fix);
    }
    // A light bulb at every move of the cursor would be distracting.
    const selected = range.start.line !== range.end.line || range.start.character !== range.end.character;
    if (selected || diagnostics.length > 0 || triggerKind === vscode.CodeActionTriggerKind.Invoke) {
      actions.push(action(t('Explain with Airgap'), 'airgap.explain', EXPLAIN));
    }
    if (selected || triggerKind === vscode.CodeActionTriggerKind.Invoke) {
      actions.push(action(t('Document with Airgap'), 'airgap.document', vscode.CodeActionKind.RefactorRewrite));
    }
    return only ? actions.filter(({ kind }) => kind && only.contains(kind)) : actions;
  }
}
