/**
 * Places in the files of this repository at which a text has been taken out: in the files of one commit, so that the same
 * places are tried whatever is changed since.
 */
import { execFileSync } from 'node:child_process';
import { basename, extname } from 'node:path';
import { mulberry32 } from '../../../engine/inference/random.ts';

export interface Cut {
  readonly path: string;
  readonly fileName: string;
  readonly languageId: string;
  readonly prefix: string;
  readonly suffix: string;
  /** What has stood between them. */
  readonly truth: string;
}

export const LANGUAGES: Readonly<Record<string, string>> = {
  '.ts': 'typescript',
  '.tsx': 'typescriptreact',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.cjs': 'javascript',
  '.py': 'python',
  '.css': 'css',
  '.c': 'c',
  '.rs': 'rust',
  '.sh': 'shellscript',
  '.json': 'json',
};

const COMMIT = '097a3722eb0b151f77c3baa32da7bc39380572ca';
const MOST_LINES = 4;
const LONGEST_FILE = 60_000;

/** `count` cuts for each language, with the text to the end of the line, or of one of the next, taken out. */
export function cutsOf(count: number, seed: number): Cut[] {
  const next = mulberry32(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  const cuts: Cut[] = [];
  for (const languageId of new Set(Object.values(LANGUAGES))) {
    const files = filesIn(languageId);
    for (let found = 0; found < count;) {
      const path = files[below(files.length)]!;
      const text = textOf(path);
      if (text.length > LONGEST_FILE || text.length < 20) continue;
      const start = below(text.length);
      const end = endOf(text, start, below(3) === 0 ? 1 + below(MOST_LINES) : 1, below(2) === 0);
      if (end <= start || text.slice(start, end).trim() === '') continue;
      found++;
      const cut = { prefix: text.slice(0, start), truth: text.slice(start, end), suffix: text.slice(end) };
      cuts.push({ path, fileName: basename(path), languageId, ...cut });
    }
  }
  return cuts;
}

/** The cut behind the first `before` in a file of a language, to the end of its line; undefined where none has it. */
export function cutBehind(before: string, languageId: string): Cut | undefined {
  for (const path of filesIn(languageId)) {
    const text = textOf(path);
    const found = text.indexOf(before);
    if (found < 0) continue;
    const start = found + before.length;
    const end = endOf(text, start, 1, false);
    const cut = { prefix: text.slice(0, start), truth: text.slice(start, end), suffix: text.slice(end) };
    return { path, fileName: basename(path), languageId, ...cut };
  }
  return undefined;
}

/** Why there are no places; undefined where there are. */
export function whyNoPlaces(): string | undefined {
  try {
    git('cat-file', '-e', COMMIT);
    return undefined;
  } catch {
    return `this clone has not the commit ${COMMIT.slice(0, 7)}, whose files the places lie in`;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 });
}

let tracked: readonly string[] | undefined;
const texts = new Map<string, string>();

function textOf(path: string): string {
  let text = texts.get(path);
  if (text === undefined) texts.set(path, (text = git('show', `${COMMIT}:${path}`)));
  return text;
}

function filesIn(languageId: string): string[] {
  tracked ??= git('ls-tree', '-r', '--name-only', COMMIT).trim().split('\n');
  return tracked.filter((path) => LANGUAGES[extname(path)] === languageId && !/golden|recording/.test(path));
}

/** The end of the `lines`-th line from `start`; or, as where an editor closes brackets, before what closes at its end. */
function endOf(text: string, start: number, lines: number, beforeClosers: boolean): number {
  let end = start - 1;
  for (let i = 0; i < lines; i++) {
    const newline = text.indexOf('\n', end + 1);
    if (newline < 0) break;
    end = newline;
  }
  const closers = /[)\]}'"`;,]+$/.exec(text.slice(start, end))?.[0] ?? '';
  return beforeClosers ? end - closers.length : end;
}
