/** Which file the text in front of a code block names for it. A wrong file is worse than none. Pure. */
import type { Token } from 'markdown-it';
import { filePath } from './filePath.ts';

/** Words between which a name is that of the file that the code is for: "In", "Here is the updated code for". */
const INTRODUCING = words(
  'a an the your our my this these following new existing updated modified changed edited revised corrected fixed final ' +
    'full complete entire whole finished file filename filepath path name named called location module script component ' +
    'class function method body line lines block section import imports code snippet change changes content contents ' +
    'version definition in into to inside within at of for as on now next then first second third finally lastly also and ' +
    'please let lets s us you we i can could should need have has ve ll will here are is it so step part add append insert ' +
    'put place paste write save create make update edit modify replace rewrite open fix adjust extend refactor apply set ' +
    'define implement go start begin with by look like looks follows below ' +
    'datei pfad der die das den dem des diese dieser diesen hier ist sind neue neuen neuer vollständige vollständigen ' +
    'aktualisierte aktualisierten geänderte geänderten folgende folgenden inhalt zeile zeilen ändere ändern ersetze ' +
    'ersetzen füge hinzu ein erstelle erstellen lege an schreibe öffne bearbeite und dann nun jetzt zuerst zu von für im ins',
);
/** Words after which the code is likely to be for another file, or for none. */
const ELSEWHERE =
  /n['’]t\b|\b(?:not|no|none|never|unchanged|unlike|unmodified|instead|separate|separately|another|other|elsewhere|(?:new|neue) (?:file|module|component|script|page|datei)|tests?|specs?|output|outputs|prints?|printed|returns? (?:an? )?error|errors?|logs?|run|runs|running|terminal|command|usage|used|uses|using|calls?|called|imported by|see|above|before|original|currently|remains?|stays?|example|nicht|statt|ausgabe|andere[nrs]?|aufruf|beispiel)\b/i;
/** A name in backticks or quotes, or a word without the marks around it. */
const MENTION = /`([^`]+)`|"([^"]+)"|“([^”]+)”|„([^“”]+)[“”]|([^\s`"“„]+)/g;

/** The path that stands by itself, such as "src/a.ts:12"; '' where it is none. */
export function mentionedPath(text: string): string {
  const path = filePath(text);
  // "python a.py" is a command, and "old a.ts" a description.
  return /\s/.test(path) && !/[/\\]/.test(path) ? '' : path;
}

/** The file that a line such as "**src/a.ts**:" or "In `src/a.ts`, change:" names for the code behind it; otherwise ''. */
export function captionPath(text: string): string {
  const whole = mentionedPath(text.replace(/^[^\p{L}\p{N}./\\([_]*(?:[\p{L} ]+: +)?|[\s:]+$/gu, ''));
  if (whole !== '') return whole;
  const all = mentions(text);
  const [first, ...others] = all;
  if (!first || others.some(({ path }) => path !== first.path)) {
    // What the last sentence says counts: "The fault is in `a.ts`. In `b.ts`, change:"
    const rest = /^.*?[.!]\s+(?=[^\s.].*$)/s.exec(text)?.[0].length;
    return first && rest !== undefined && others.length > 0 ? captionPath(text.slice(rest)) : '';
  }
  const before = wordsOf(text.slice(0, first.start));
  const after = text.slice(others.at(-1)?.end ?? first.end);
  const isFor = !before.includes('for') || !before.some((word) => /^(?:create|write|make|add|new)$/.test(word));
  if (!isFor || !before.every(isIntroducing) || ELSEWHERE.test(after)) return '';
  const isIntroduced = before.some((word) => /\p{L}/u.test(word)) || /^[*_~\s]*[-–—:(,]/.test(after);
  return isIntroduced || wordsOf(after).every(isIntroducing) ? first.path : '';
}

/**
 * The file that the text in front of a code block names for it, where `tokens` end before the block: in its last line, or
 * in a heading above it that is about nothing else than a file.
 */
export function pathBefore(tokens: readonly Token[]): string {
  const last = lastInline(tokens, tokens.length);
  if (last < 0) return '';
  const text = plain(tokens[last]!);
  const line = text.split('\n').at(-1)!;
  const path = captionPath(line) || (mentions(line).length === 0 ? captionPath(text.replaceAll('\n', ' ')) : '');
  if (path !== '' || mentions(text).length > 0 || ELSEWHERE.test(text)) return path;
  const above = lastInline(tokens, last - 1);
  return tokens[above - 1]?.type === 'heading_open' ? captionPath(plain(tokens[above]!)) : '';
}

/** The last text before `end`, unless something else than ends of paragraphs and lists stands between; otherwise -1. */
function lastInline(tokens: readonly Token[], end: number): number {
  let at = end - 1;
  while (
    /^(?:paragraph|heading|list_item|bullet_list|ordered_list)_close$|^paragraph_open$/.test(tokens[at]?.type ?? '')
  )
    at--;
  return tokens[at]?.type === 'inline' ? at : -1;
}

/**
 * The text as it is read, with backticks, also around links, without tags, and with underscores: `__init__.py` is a
 * name, not a bold word.
 */
function plain({ children }: Token): string {
  return (
    (children ?? [])
      .map(({ type, content, markup }) => {
        if (type === 'code_inline') return `\`${content}\``;
        if (type === 'softbreak' || type === 'hardbreak') return '\n';
        return markup.startsWith('_') ? markup : content;
      })
      .join('')
      .replace(/<\/?[a-z][^<>]*>/gi, '')
      .replace(/\[`?([^\][`]+)`?\]\([^()\s]*\)/g, '`$1`')
      .trim()
      // What stands further in front is about other things.
      .replace(/^[^]*\s(?=[^]{500})/, '')
      .replace(/^(__?)(?=[^_])(.*[^_])\1(:?)$/, '$2$3')
  );
}

interface Mention {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

function mentions(text: string): Mention[] {
  return [...text.matchAll(MENTION)].flatMap(({ 0: whole, index, 5: word, ...quoted }) => {
    const said = word === undefined ? (quoted[1] ?? quoted[2] ?? quoted[3] ?? quoted[4] ?? '') : bare(word);
    const path = mentionedPath(said);
    const start = word === undefined ? index : index + whole.indexOf(said);
    return path === '' ? [] : [{ path, start, end: word === undefined ? index + whole.length : start + said.length }];
  });
}

/** Without punctuation and the marks of bold words; "(app)/page.tsx" keeps its own. */
function bare(word: string): string {
  const start = /^\([^()]*\)[/\\]/.test(word) ? word : word.replace(/^[("'*~“„‘:]+/, '');
  return start.replace(/(?:['’]s)?[)"'*~.,:;!?”’]+$|['’]s$/, '');
}

function isIntroducing(word: string): boolean {
  return INTRODUCING.has(word) || /^\d+$/.test(word);
}

/** Words in lower case, without code in backticks: it names what is changed in the file. */
function wordsOf(text: string): string[] {
  return (
    text
      .replace(/`[^`]+`/g, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
