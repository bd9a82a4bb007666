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

/**
 * `count` cuts of each language that the folder has files in, by `seed`: a random line of a random file, cut at a random
 * place behind its indent. Lines without a letter, long ones, and files of machines are left out. Rejects with
 * BadRequest where the folder has no such file.
 */
export async function lineCuts(folder: string, count: number, seed: number): Promise<LineCut[]> {
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
    cuts.push(...(await cutsOf(folder, files, languageId, count, mulberry32(seed))));
  }
  if (cuts.length === 0) throw new BadRequest(`${folder} has no source files in a language that is measured.`);
  return cuts;
}

async function cutsOf(
  folder: string,
  files: readonly string[],
  languageId: string,
  count: number,
  next: () => number,
): Promise<LineCut[]> {
  const cuts = new Map<string, LineCut>();
  const texts = new Map<string, string>();
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  // A folder of few lines gives fewer cuts.
  for (let tries = 0; cuts.size < count && tries < 50 * count; tries++) {
    const path = pick(files);
    if (!texts.has(path)) texts.set(path, await sourceText(join(folder, path)));
    const text = texts.get(path)!;
    const lines = text.split('\n');
    const line = Math.floor(next() * lines.length);
    const content = lines[line]!.trimEnd();
    const indent = content.length - content.trimStart().length;
    const column = indent + Math.floor(next() * (content.length - indent));
    if (!/\p{L}/u.test(content) || content.length > LONGEST_LINE || content.length - column < SHORTEST_TRUTH) continue;
    const at = lines.slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + column;
    const end = at + content.length - column;
    const id = `${path}:${line + 1}:${column + 1}`;
    const [prefix, truth, suffix] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
    cuts.set(id, { id, path, languageId, prefix, truth, suffix });
  }
  return [...cuts.values()];
}

/** '' for a file that is too long, or that no person has written. */
async function sourceText(path: string): Promise<string> {
  const text = (await readFile(path, 'utf8').catch(() => '')).replaceAll('\r\n', '\n');
  const lines = text.split('\n');
  return text.length > LONGEST_FILE || text.includes('\0') || text.length / lines.length > LONGEST_LINE / 2 ? '' : text;
}
