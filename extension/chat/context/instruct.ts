/** The instruction and the attachments for a typed text, which may begin with a slash command. */
import * as vscode from 'vscode';
import { isSmallChatModel } from '../../bundledModels.ts';
import { followingInstructions } from '../../reading/instructionFiles.ts';
import { nameOf } from '../../reading/vscode/textOf.ts';
import { forSmallModel } from '../answer/smallModel.ts';
import type { Attachment } from './attachment.ts';
import { slashCommand } from '../commands/slash.ts';
import { withDefaults } from './defaults.ts';

/**
 * Text without a slash command stays what it is, but for the small chat model; instructions of the project are referred to
 * behind it. `chatModel` is the chat's model as modelOf names it.
 */
export async function instruct(
  text: string,
  attached: readonly Attachment[],
  chatModel: string,
): Promise<{ instruction: string; attachments: readonly Attachment[] }> {
  const slash = slashCommand(text, { shell: shellName(vscode.env.shell), system: systemName() });
  const files = attached.filter(({ kind }) => kind === 'instructions') as { uri: string }[];
  const names = files.map(({ uri }) => nameOf(vscode.Uri.parse(uri)));
  if (!slash) {
    const question = isSmallChatModel(chatModel) ? forSmallModel(text) : text;
    return { instruction: followingInstructions(question, names), attachments: attached };
  }
  const instruction = followingInstructions(slash.instruction, names);
  return { instruction, attachments: await withDefaults(slash.context, attached) };
}

/** The program's name: "zsh" for "/usr/bin/zsh", "pwsh" for "C:\…\pwsh.exe". */
function shellName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? '').replace(/\.exe$/i, '');
}

function systemName(): string {
  return { win32: 'Windows', darwin: 'macOS' }[process.platform as string] ?? 'Linux';
}
