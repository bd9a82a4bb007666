/** `npm run bench -- placing`: whether Apply puts a changed declaration back where it stood. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { type PutBack, putBack } from '../../support/extension/putBack.ts';

/** The product's: each test of a file would count as a declaration, too. */
const FILES = ['engine', 'extension', 'kernels', 'webview'].flatMap((folder) => [`${folder}/*.ts`, `${folder}/*.tsx`]);
const MOST_SHOWN = 20;

export function addPlacing(program: Command, signal: AbortSignal): void {
  program
    .command('placing')
    .description('put each declaration of the files here back into its file, with one line changed')
    .action(() => {
      const next = mulberry32(11);
      const counts: Record<PutBack, number> = { right: 0, asked: 0, nowhere: 0, wrong: 0 };
      const others: string[] = [];
      for (const path of execFileSync('git', ['ls-files', ...FILES], { encoding: 'utf8' })
        .trim()
        .split('\n')) {
        signal.throwIfAborted();
        for (const { line, result } of putBack(readFileSync(path, 'utf8'), next)) {
          counts[result]++;
          if (result !== 'right') others.push(`${result}: ${path}:${line}`);
        }
      }
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      console.log(
        `${total} declarations: ${Object.entries(counts)
          .map(([result, count]) => `${count} ${result}`)
          .join(', ')}`,
      );
      console.log(others.sort().reverse().slice(0, MOST_SHOWN).join('\n'));
    });
}
