/** Asks for an instruction for the selected code and offers earlier ones. */
import * as vscode from 'vscode';
import * as z from 'zod';

const HISTORY_KEY = 'airgap.inlineEdit.instructions';
const MAX_HISTORY = 20;

export interface GivenInstruction {
  readonly instruction: string;
  /** Whether the model is to follow the project's instructions too. */
  readonly follows: boolean;
}

/** Undefined if the user gives none. `files`: names of the project's instructions, which a button leaves out. */
export function askInstruction(
  memory: vscode.Memento,
  title: string,
  files: readonly string[],
): Promise<GivenInstruction | undefined> {
  const history = z.array(z.string()).safeParse(memory.get(HISTORY_KEY)).data ?? [];
  const input = vscode.window.createQuickPick();
  let follows = files.length > 0;
  const showFiles = (): void => {
    input.title = follows ? `${title} (${files.join(', ')})` : title;
    const tooltip = follows
      ? vscode.l10n.t('Do not send {0}', files.join(', '))
      : vscode.l10n.t('Send {0}', files.join(', '));
    const iconPath = new vscode.ThemeIcon(follows ? 'book' : 'circle-slash');
    input.buttons = files.length > 0 ? [{ iconPath, tooltip }] : [];
  };
  showFiles();
  input.placeholder = vscode.l10n.t('Describe the change, for example: handle empty input');
  const offer = (): void => {
    const typed = input.value.trim();
    const earlier = history.filter((each) => each !== typed && each.toLowerCase().includes(typed.toLowerCase()));
    // The typed text comes first, so that Enter accepts it and not a similar earlier instruction.
    input.items = [...(typed === '' ? [] : [typed]), ...earlier].map((label) => ({ label, alwaysShow: true }));
  };
  offer();
  return new Promise((resolve) => {
    input.onDidChangeValue(offer);
    input.onDidTriggerButton(() => {
      follows = !follows;
      showFiles();
    });
    input.onDidAccept(() => {
      // The items lag behind the typed text, so the active item takes precedence only if it is an earlier instruction.
      const [active] = input.activeItems;
      const text = active && history.includes(active.label) ? active.label : input.value.trim();
      if (text === '') return;
      void memory.update(HISTORY_KEY, [text, ...history.filter((each) => each !== text)].slice(0, MAX_HISTORY));
      resolve({ instruction: text, follows });
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}
