/** `npm run bench -- placing`: whether Apply puts a changed declaration back where it stood. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { declarations } from '../../../extension/edits/placing/declarations.ts';
import { indentOf, isWeak, linesOf } from '../../../extension/edits/placing/lines.ts';
import { locate } from '../../../extension/edits/placing/locate.ts';

/** The product's: each test of a file would count as a declaration, too. */
const FILES = ['engine', 'extension', 'kernels', 'webview'].flatMap((folder) => [`${folder}/*.ts`, `${folder}/*.tsx`]);
/** A shorter declaration is little more than the line that changes. */
const FEWEST_LINES = 3;
const MOST_SHOWN = 20;

type Result = 'right' | 'asked' | 'nowhere' | 'wrong';

export function addPlacing(program: Command, signal: AbortSignal): void {
  program
    .command('placing')
    .description('put each declaration of the files here back into its file, with one line changed')
    .action(() => {
      const next = mulberry32(11);
      const counts: Record<Result, number> = { right: 0, asked: 0, nowhere: 0, wrong: 0 };
      const others: string[] = [];
      for (const path of execFileSync('git', ['ls-files', ...FILES], { encoding: 'utf8' })
        .trim()
        .split('\n')) {
        signal.throwIfAborted();
        const lines = linesOf(readFileSync(path, 'utf8'));
        for (const { line, end } of declarations(lines)) {
          if (end - line < FEWEST_LINES) continue;
          const result = placed(lines, line, end, next);
          if (result === undefined) continue;
          counts[result]++;
          if (result !== 'right') others.push(`${result}: ${path}:${line + 1}`);
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

/** What becomes of the lines from `start` up to `end` with one of those inside changed; undefined where none can be. */
function placed(file: readonly string[], start: number, end: number, next: () => number): Result | undefined {
  const inside = Array.from({ length: end - start - 1 }, (_, i) => start + 1 + i).filter((at) => !isWeak(file[at]!));
  const at = inside[Math.floor(next() * inside.length)];
  if (at === undefined) return undefined;
  const changed = file.with(at, file[at]!.replace(/[\p{L}_]{2,}/u, '$&Changed'));
  // As a model writes it: without the indentation of what is around it.
  const indent = indentOf(file[start]!).length;
  const code = changed.slice(start, end).map((line) => line.slice(Math.min(indent, indentOf(line).length)));
  const texts = locate(file.join('\n'), { code: code.join('\n'), language: '' }).map(({ text }) => text);
  const wanted = changed.join('\n');
  if (texts.length === 0) return 'nowhere';
  if (texts.length > 1) return texts.includes(wanted) ? 'asked' : 'wrong';
  return texts[0] === wanted ? 'right' : 'wrong';
}
