/** What the model is told for what the user typed, and what a slash command attaches by itself. */
import * as vscode from 'vscode';
import type { Attachment } from '../parts.ts';
import { slashCommand } from '../slash.ts';
import { defaultAttachments } from './defaults.ts';

/** Text without a slash command stays as it is. */
export async function instruct(
  text: string,
  attachments: readonly Attachment[],
): Promise<{ instruction: string; added: Attachment[] }> {
  const slash = slashCommand(text, { shell: shellName(vscode.env.shell), system: systemName() });
  if (!slash) return { instruction: text, added: [] };
  return { instruction: slash.instruction, added: await defaultAttachments(slash.context, attachments) };
}

/** "/usr/bin/zsh", "C:\…\pwsh.exe": the program's name. */
function shellName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? '').replace(/\.exe$/i, '');
}

function systemName(): string {
  return { win32: 'Windows', darwin: 'macOS' }[process.platform as string] ?? 'Linux';
}
