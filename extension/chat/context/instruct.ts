/** What the model is told for what the user typed, and what a slash command takes along. */
import * as vscode from 'vscode';
import type { Attachment } from './attachment.ts';
import { slashCommand } from '../commands/slash.ts';
import { withDefaults } from './defaults.ts';

/** Text without a slash command stays as it is. */
export async function instruct(
  text: string,
  attached: readonly Attachment[],
): Promise<{ instruction: string; attachments: readonly Attachment[] }> {
  const slash = slashCommand(text, { shell: shellName(vscode.env.shell), system: systemName() });
  if (!slash) return { instruction: text, attachments: attached };
  return { instruction: slash.instruction, attachments: await withDefaults(slash.context, attached) };
}

/** "/usr/bin/zsh", "C:\…\pwsh.exe": the program's name. */
function shellName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? '').replace(/\.exe$/i, '');
}

function systemName(): string {
  return { win32: 'Windows', darwin: 'macOS' }[process.platform as string] ?? 'Linux';
}
