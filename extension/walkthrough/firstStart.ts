/** Opens the walkthrough at the first start. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** VS Code's own setting for walkthroughs of newly installed extensions. */
const MAY_OPEN = 'workbench.welcomePage.walkthroughs.openOnInstall';
/** A window that has just started may be about to show a file, or the report of Self-Test. */
const WAIT_MS = 1000;

/** What the walkthrough uses of an ExtensionContext. */
export type WalkthroughContext = Pick<vscode.ExtensionContext, 'extension' | 'globalStorageUri'>;

export class FirstStart implements vscode.Disposable {
  readonly #timer: NodeJS.Timeout;

  readonly context: WalkthroughContext;

  constructor(context: WalkthroughContext) {
    this.context = context;
    this.#timer = setTimeout(() => void openOnce(context), WAIT_MS);
  }

  /** Leaves it to the next window to start. */
  postpone(): void {
    clearTimeout(this.#timer);
  }

  dispose(): void {
    this.postpone();
  }
}

/** A mark in the storage of all windows says that this was done. */
async function openOnce({ extension, globalStorageUri: { fsPath: folder } }: WalkthroughContext): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    // Fails where the file exists, so that of two windows that start at once only one opens it.
    await writeFile(join(folder, 'walkthrough-opened'), '', { flag: 'wx' });
  } catch {
    return;
  }
  if (!vscode.workspace.getConfiguration().get<boolean>(MAY_OPEN, true)) return;
  // Behind a file that somebody may be writing in already.
  const inactive = vscode.window.activeTextEditor !== undefined;
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${extension.id}#start`, { inactive });
}
