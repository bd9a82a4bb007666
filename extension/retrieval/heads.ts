/**
 * What a language model is shown of a search's hits, to say which of them a question is about: the heads of the
 * declarations that share most with the question, as if their documentation came next. Pure.
 */
import type { Hit } from './projectSearch.ts';
import { stem, wordsOf } from './terms.ts';

/** Declarations of a hit, the best by their words; what is behind them rarely is what was sought. */
const MOST_HEADS = 2;
/** Lines of documentation and decorators in front of a declaration, and lines that it takes itself. */
const MOST_BEFORE = 3;
const MOST_LINES = 12;
/** A head is cut in the middle beyond so many characters: some 80 tokens. */
const MOST_CHARACTERS = 280;
/** Lines without a name that are shown of a hit that declares nothing. */
const PLAIN_LINES = 6;
/** Weight of a word in the declared name, in the head, and anywhere in the hit's lines for this declaration. */
const [IN_NAME, IN_HEAD, IN_BODY] = [2, 1, 1];

type HitText = Pick<Hit, 'path' | 'text' | 'symbol'>;

/** The beginnings, each of which ends where the documentation of a declaration would begin, by hit. */
export function headsOf(hits: readonly HitText[], question: string): string[][] {
  const worth = worthOf(question, hits);
  return hits.map((hit) => {
    const lines = withoutEmptyComments(hit.text).split('\n');
    const heads = declarationsIn(lines, hit.symbol).map(({ first, at, name }, i, all) => {
      const end = all[i + 1]?.first ?? lines.length;
      const head = [...around(lines, at), ...lines.slice(first, signatureEnd(lines, at, end))];
      const value = (text: string, weight: number): number => weight * matched(text, worth);
      const body = lines.slice(first, end).join('\n');
      return { value: value(name, IN_NAME) + value(head.join('\n'), IN_HEAD) + value(body, IN_BODY), head };
    });
    heads.sort((a, b) => b.value - a.value);
    const shown = heads.length > 0 ? heads.slice(0, MOST_HEADS).map(({ head }) => head) : [plainLines(lines, worth)];
    return shown.map((head) => `# ${hit.path}\n${cut(dedented(head))}\n    """`);
  });
}

/** The question's words by how few of the hits have them. */
function worthOf(question: string, hits: readonly HitText[]): Map<string, number> {
  const texts = hits.map(({ text }) => new Set(wordsOf(text).map(stem)));
  const worth = new Map<string, number>();
  for (const word of wordsOf(question).map(stem)) {
    const frequency = texts.filter((words) => words.has(word)).length;
    worth.set(word, Math.log(1 + hits.length / (frequency + 0.5)));
  }
  return worth;
}

function matched(text: string, worth: ReadonlyMap<string, number>): number {
  return [...new Set(wordsOf(text).map(stem))].reduce((sum, word) => sum + (worth.get(word) ?? 0), 0);
}

/** An empty comment would say that there is no documentation. */
function withoutEmptyComments(text: string): string {
  return text.replace(/("""|''')\s*\1|\/\*\*[\s*]*\*\//g, '');
}

interface Declared {
  readonly name: string;
  /** The line that names it, and the first of those that belong to it. */
  readonly at: number;
  readonly first: number;
}

/** Where the names that the index knows stand for the first time, in the order of their lines. */
function declarationsIn(lines: readonly string[], symbols: string): Declared[] {
  const names = [...new Set(symbols.split(', ').filter((name) => name !== ''))];
  const found = names.flatMap((name): Declared[] => {
    const pattern = new RegExp(`(?<![\\w$.])${name.replace(/[^\w]/g, '\\$&')}(?![\\w$])`);
    const at = lines.findIndex((line) => pattern.test(line) && !IS_BEFORE.test(line));
    if (at < 0) return [];
    let first = at;
    while (first > 0 && at - first < MOST_BEFORE && IS_BEFORE.test(lines[first - 1]!)) first--;
    return [{ name, at, first }];
  });
  return found.sort((a, b) => a.at - b.at).filter(({ at }, i, all) => at !== all[i - 1]?.at);
}

/** A comment or a decorator. */
const IS_BEFORE = /^\s*(?:@|#(?!include|define)|\/\/|\/?\*)/;

/** The line that holds a declaration, such as that of its class. */
function around(lines: readonly string[], at: number): string[] {
  const depth = indentation(lines[at]!);
  if (depth === 0) return [];
  const outer = lines.slice(0, at).findLast((line) => line.trim() !== '' && indentation(line) < depth);
  return outer && !IS_BEFORE.test(outer) ? [outer] : [];
}

/** The line behind the one at which a declaration's body begins. */
function signatureEnd(lines: readonly string[], at: number, end: number): number {
  const last = Math.min(end, at + MOST_LINES);
  for (let i = at; i < last; i++) if (/[:{]\s*$|=>|;\s*$/.test(lines[i]!)) return i + 1;
  return last;
}

/** The lines that share most with the question. */
function plainLines(lines: readonly string[], worth: ReadonlyMap<string, number>): string[] {
  const values = lines.map((line) => matched(line, worth));
  const best = values.indexOf(Math.max(...values));
  const first = Math.max(0, best - PLAIN_LINES / 2);
  return lines.slice(first, first + PLAIN_LINES);
}

function indentation(line: string): number {
  return /^\s*/.exec(line)![0].replaceAll('\t', '    ').length;
}

function dedented(lines: readonly string[]): string {
  const least = Math.min(...lines.filter((line) => line.trim() !== '').map(indentation));
  return lines.map((line) => line.replaceAll('\t', '    ').slice(Number.isFinite(least) ? least : 0)).join('\n');
}

function cut(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  const start = Math.floor(MOST_CHARACTERS / 3);
  return `${text.slice(0, start)}…${text.slice(start - MOST_CHARACTERS)}`;
}
