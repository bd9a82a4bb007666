/** What axe-core finds in the chat's page of a window. */
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { ChatPage } from './chatPage.ts';
import { until } from './vscode.ts';

export const THEMES = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  'high-contrast': 'Default High Contrast',
} as const;

/** The rules that are broken; waits a while until none is, as the theme's colours come a moment after the theme. */
export async function axeFindings(chat: ChatPage): Promise<string[]> {
  const run = (_: unknown, source: string): Promise<AxeResults> => {
    const evaluate = eval;
    evaluate(source);
    // VS Code paints the view's colour behind the page, where axe does not look.
    document.documentElement.style.background = 'var(--vscode-sideBar-background)';
    return (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run();
  };
  const source = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
  let found: string[] = [];
  const isClean = async (): Promise<boolean> => {
    const { violations } = await chat.run(run, source);
    found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.failureSummary).join(' ')}`);
    return found.length === 0;
  };
  await until(isClean, '', 10_000).catch(() => {});
  return found;
}
