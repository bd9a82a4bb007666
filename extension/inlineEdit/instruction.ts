/** Asks for an instruction for the selected code and offers earlier ones. */
import * as vscode from 'vscode';
import * as z from 'zod';

const HISTORY_KEY = 'airgap.inlineEdit.instructions';
const MAX_HISTORY = 20;

/** Undefined if the user gives none. */
export function askInstruction(memory: vscode.Memento, title: string): Promise<string | undefined> {
  const history = z.array(z.string()).safeParse(memory.get(HISTORY_KEY)).data ?? [];
  const input = vscode.window.createQuickPick();
  input.title = title;
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
    input.onDidAccept(() => {
      // The items lag behind the typed text, so the active item takes precedence only if it is an earlier instruction.
      const [active] = input.activeItems;
      const text = active && history.includes(active.label) ? active.label : input.value.trim();
      if (text === '') return;
      void memory.update(HISTORY_KEY, [text, ...history.filter((each) => each !== text)].slice(0, MAX_HISTORY));
      resolve(text);
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}
