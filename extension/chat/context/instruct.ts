/** The instruction and the attachments for a typed text, which may begin with a slash command. */
import * as vscode from 'vscode';
import type { Attachment } from './attachment.ts';
import { slashCommand } from '../commands/slash.ts';
import { withDefaults } from './defaults.ts';

/** Text without a slash command is returned unchanged. */
export async function instruct(
  text: string,
  attached: readonly Attachment[],
): Promise<{ instruction: string; attachments: readonly Attachment[] }> {
  const slash = slashCommand(text, { shell: shellName(vscode.env.shell), system: systemName() });
  if (!slash) return { instruction: text, attachments: attached };
  return { instruction: slash.instruction, attachments: await withDefaults(slash.context, attached) };
}

/** The program's name: "zsh" for "/usr/bin/zsh", "pwsh" for "C:\…\pwsh.exe". */
function shellName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? '').replace(/\.exe$/i, '');
}

function systemName(): string {
  return { win32: 'Windows', darwin: 'macOS' }[process.platform as string] ?? 'Linux';
}
