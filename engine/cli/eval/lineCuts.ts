/** Places in a folder's source files at which the rest of a line is taken out. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { BadRequest } from '../../errors.ts';
import { mulberry32 } from '../../inference/random.ts';
import { LANGUAGE_IDS } from '../readFiles.ts';

/** A place in a file, and the text that stands from there to the end of its line. */
export interface LineCut {
  /** Relative to the folder, with the place: "src/a.ts:12:8", both counted from 1. */
  readonly id: string;
  readonly path: string;
  readonly languageId: string;
  /** From a line above on. */
  readonly prefix: string;
  readonly truth: string;
  /** Begins with the line's end. */
  readonly suffix: string;
}

const LANGUAGES: Readonly<Record<string, string>> = { ...LANGUAGE_IDS, '.mts': 'typescript' };
const MEASURED = new Set('typescript javascript python rust go java c css html'.split(' '));
/** What nobody writes by hand. */
const SKIPPED = /(?:^|\/)(?:node_modules|\.git|dist|build|vendor|__pycache__)(?:\/|$)|\.min\.|\.d\.[cm]?ts$/;
const LONGEST_FILE = 200_000;
const LONGEST_LINE = 200;
/** Shorter ends of lines say little. */
const SHORTEST_TRUTH = 4;
/** Number of lines of a passage, and of cuts in it. */
const PASSAGE = 24;
const LINES_PER_PASSAGE = 4;
/** Characters of a prefix above its passage. */
const PREFIX = 1200;

/** Where lines are cut: anywhere behind their indent, or behind their first two words. */
export type CutPlace = 'anywhere' | 'two words';

/**
 * `count` cuts of each language that the folder has files in, by `seed`: in random passages of random files, a few lines
 * each, from top to bottom, so that most of a prompt is in the cache, as it is while somebody writes. The prefix begins a
 * screen above the passage. Lines without a letter, long ones, and files of machines are left out. Rejects with
 * BadRequest where the folder has no such file.
 */
export async function lineCuts(
  folder: string,
  count: number,
  seed: number,
  place: CutPlace = 'anywhere',
): Promise<LineCut[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new BadRequest(`${folder} cannot be read (${error.code}).`);
  });
  const byLanguage = new Map<string, string[]>();
  for (const name of names.map((name) => name.replaceAll('\\', '/')).sort()) {
    const languageId = LANGUAGES[extname(name)];
    if (languageId !== undefined && MEASURED.has(languageId) && !SKIPPED.test(name)) {
      byLanguage.set(languageId, [...(byLanguage.get(languageId) ?? []), name]);
    }
  }
  const cuts: LineCut[] = [];
  for (const [languageId, files] of [...byLanguage].sort()) {
    const next = mulberry32(seed);
    const ofLanguage = new Map<string, LineCut>();
    // A folder of few lines gives fewer cuts.
    for (let tries = 0; ofLanguage.size < count && tries < 50 * count; tries++) {
      const path = files[Math.floor(next() * files.length)]!;
      const passage = passageCuts(await sourceText(join(folder, path)), next, place);
      for (const cut of passage.slice(0, count - ofLanguage.size)) {
        const id = `${path}:${cut.id}`;
        ofLanguage.set(id, { ...cut, id, path, languageId });
      }
    }
    cuts.push(...ofLanguage.values());
  }
  if (cuts.length === 0) throw new BadRequest(`${folder} has no source files in a language that is measured.`);
  return cuts;
}

/** Cuts of a random passage, without the file's part of their ids. */
function passageCuts(text: string, next: () => number, place: CutPlace): Omit<LineCut, 'path' | 'languageId'>[] {
  const lines = text.split('\n');
  const first = Math.floor(next() * lines.length);
  const starts = lines.map(() => 0);
  for (let i = 1; i < lines.length; i++) starts[i] = starts[i - 1]! + lines[i - 1]!.length + 1;
  const from = starts[first]! < PREFIX ? 0 : text.indexOf('\n', starts[first]! - PREFIX) + 1;
  const picked = new Set(Array.from({ length: LINES_PER_PASSAGE }, () => first + Math.floor(next() * PASSAGE)));
  return [...picked]
    .sort((a, b) => a - b)
    .flatMap((line) => {
      const content = lines[line]?.trimEnd() ?? '';
      const column = columnOf(content, next(), place);
      if (!/\p{L}/u.test(content) || content.length > LONGEST_LINE || content.length - column < SHORTEST_TRUTH)
        return [];
      const [at, end] = [starts[line]! + column, starts[line]! + content.length];
      const id = `${line + 1}:${column + 1}`;
      return { id, prefix: text.slice(from, at), truth: text.slice(at, end), suffix: text.slice(end) };
    });
}

function columnOf(content: string, random: number, place: CutPlace): number {
  if (place === 'two words') return /^\W*\w+\W+\w+\s*/.exec(content)?.[0].length ?? content.length;
  const indent = content.length - content.trimStart().length;
  return indent + Math.floor(random * (content.length - indent));
}

/** '' for a file that is too long, or that no person has written. */
async function sourceText(path: string): Promise<string> {
  const text = (await readFile(path, 'utf8').catch(() => '')).replaceAll('\r\n', '\n');
  const lines = text.split('\n');
  return text.length > LONGEST_FILE || text.includes('\0') || text.length / lines.length > LONGEST_LINE / 2 ? '' : text;
}
