/** The commands behind the walkthrough's buttons that nothing else has. */
import * as vscode from 'vscode';
import type { Chat } from '../chat/chat.ts';
import type { CommandTable } from '../common/commands.ts';
import { told } from '../common/notice.ts';
import type { WalkthroughContext } from './firstStart.ts';
import { BEGUN, openSample } from './sample.ts';

export interface WalkthroughHost {
  readonly firstStart: { readonly context: WalkthroughContext };
  readonly chat: Pick<Chat, 'ask'>;
}

/** Calls `host` each time a command runs. */
export function walkthroughCommands(host: () => WalkthroughHost): CommandTable {
  const { t } = vscode.l10n;
  return {
    'airgap.tryTyping': () => told(async () => void (await openSample(host().firstStart.context))),
    'airgap.tryTab': () => told(() => showSuggestion(host().firstStart.context)),
    'airgap.tryAsking': () =>
      told(async () => {
        const { document } = await openSample(host().firstStart.context);
        const attachments = [{ kind: 'file' as const, uri: document.uri.toString() }];
        await host().chat.ask({ text: t('What does this file do?'), attachments });
      }),
    'airgap.tryPicture': () =>
      told(() =>
        host().chat.ask({
          notice: t('Paste a picture here, drop one, or choose a file with the button “Add a picture”.'),
        }),
      ),
  };
}

/** Begins a line where none is begun, and has VS Code ask for the rest. */
async function showSuggestion(context: WalkthroughContext): Promise<void> {
  const editor = await openSample(context);
  const { active } = editor.selection;
  const isBlank = editor.document.lineAt(active).text.trim() === '';
  if (isBlank) await editor.edit((edits) => edits.insert(active, BEGUN));
  // Grey text shows in an editor that has the focus, which the walkthrough's button may still have.
  await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
}
