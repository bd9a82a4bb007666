/** Questions about any sources, made of their documentation: first sentences, which the text then lacks. */

export interface Documented {
  /** On one line. */
  readonly sentence: string;
  readonly path: string;
  /** The line on which the declaration begins, from 1. */
  readonly line: number;
  /** Where the sentence stands in the text. */
  readonly start: number;
  readonly end: number;
}

/** Shorter ones name nothing, and longer ones are no questions. */
const LEAST_WORDS = 5;
const MOST_WORDS = 30;

/** Bounded, and never over the next declaration, so that no text takes long. */
const PYTHON =
  /^[ \t]*(?:async +)?(?:def|class) +\w(?:(?!\n[ \t]*(?:async +)?(?:def|class) )[^]){0,400}?:[ \t]*\n[ \t]*[rRuU]?"""/gm;
const SCRIPT =
  /\/\*\*\s*((?:(?!\*\/)[^])*)\*\/\s*(?=(?:export|function|async|class|const|static|public|get|[\w$]+\s*[(=]))/g;
const SENTENCE = /^\s*((?:(?!\n\s*\*?\s*\n|\n\s*\*?\s*@|"""|\*\/)[^])+?[.!?])(?=\s|"""|\*\/|$)/;

/** The documented declarations of a file. Where a sentence is on several lines, all of it is taken. */
export function documentedIn(path: string, text: string): Documented[] {
  const found: Documented[] = [];
  const isPython = path.endsWith('.py');
  for (const match of text.matchAll(isPython ? PYTHON : SCRIPT)) {
    const from = isPython ? match.index + match[0].length : match.index + 3;
    const sentence = SENTENCE.exec(text.slice(from, from + 1000));
    if (!sentence || /^\s*\*?\s*@/.test(sentence[0])) continue;
    const start = from + sentence[0].indexOf(sentence[1]!);
    const said = sentence[1]!
      .replace(/\s*\n\s*\*?\s*/g, ' ')
      .replace(/^\*\s*/, '')
      .trim();
    const words = said.match(/[\p{L}\d]+/gu)?.length ?? 0;
    if (words < LEAST_WORDS || words > MOST_WORDS) continue;
    const declaration = isPython ? match.index + /^\s*/.exec(match[0])![0].length : match.index + match[0].length;
    const line = text.slice(0, declaration).split('\n').length;
    found.push({ sentence: said, path, line, start, end: start + sentence[1]!.length });
  }
  return found;
}

/** The text without the sentences of its own, with its lines where they were. */
export function withoutSentences(text: string, sentences: readonly Documented[]): string {
  return [...sentences]
    .sort((a, b) => b.start - a.start)
    .reduce(
      (rest, { start, end }) => rest.slice(0, start) + rest.slice(start, end).replace(/[^\n]/g, '') + rest.slice(end),
      text,
    );
}
