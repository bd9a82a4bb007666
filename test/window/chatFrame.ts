/** The chat's page inside of a VS Code window. */
import type { Frame } from 'playwright-core';
import { until } from './vscode.ts';
import type { EditorWindow } from './window.ts';

/** Opens the chat, asks, and waits until the answer has ended with so many code blocks. */
export async function askForCode(window: EditorWindow, question: string): Promise<Frame> {
  await window.command('Airgap: Ask');
  const frame = await chatFrame(window);
  const input = frame.locator('.composer textarea');
  const before = await frame.locator('.code-actions').count();
  await input.fill(question);
  await input.press('Enter');
  await until(async () => (await frame.locator('.code-actions').count()) > before, '').catch(async () => {
    throw new Error(`No code block came; the chat says ${JSON.stringify(await frame.locator('body').innerText())}`);
  });
  return frame;
}

/** Presses a button of the last code block. */
export async function pressCodeButton(frame: Frame, label: string): Promise<void> {
  await frame.locator('.code-actions').last().getByRole('button', { name: label }).click();
}

async function chatFrame(window: EditorWindow): Promise<Frame> {
  let found: Frame | undefined;
  await until(async () => {
    for (const frame of window.page.frames()) {
      // Frames come and go while the view is made.
      if (
        (await frame
          .locator('.composer textarea')
          .count()
          .catch(() => 0)) > 0
      )
        found = frame;
    }
    return found !== undefined;
  }, 'the chat did not show');
  return found!;
}
