/** "Open Terminal": a terminal in which `airgap` works. A VS Code package has no `bin`, so a folder on its path has. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Program } from './program.ts';
import { terminalVariables, writeShims } from './shims.ts';

export interface OpenTerminalHost {
  readonly program: Program;
  /** A folder of the user's and of this extension alone. */
  readonly storage: string;
}

/** Rejects with one sentence where no program can run `airgap`. */
export async function openTerminal({ program, storage }: OpenTerminalHost): Promise<void> {
  const runtime = await program.runtime();
  const folder = join(storage, 'bin');
  await writeShims(folder, process.platform);
  const variables = terminalVariables({
    folder,
    platform: process.platform,
    env: process.env,
    node: runtime.program,
    programFile: program.file,
  });
  const terminal = vscode.window.createTerminal({
    name: 'Airgap',
    iconPath: new vscode.ThemeIcon('sparkle'),
    env: { ...variables, ...program.environment(runtime) },
    message: vscode.l10n.t('The command airgap works here. For example: airgap models'),
    // A revived terminal would have lost its variables.
    isTransient: true,
  });
  terminal.show();
}
