/** What is counted of a chat model's answer about a file. Pure. */
import type { ChatResult } from '../../../engine/wire/protocol.ts';

export interface Judged {
  /**
   * What ended it: the model itself, the chat's limit of sentences, the chat in its place, or the chat where it began to
   * repeat itself; undefined: it was cut off.
   */
  readonly ends: 'itself' | 'limit' | 'chat' | 'repetition' | undefined;
  /** What the user sees of it does not repeat itself: no sentence or line of some length comes three times. */
  readonly noLoop: boolean;
  /** Names of code that it mentions, and those of them that stand nowhere in what the model was given. */
  readonly symbols: readonly string[];
  readonly invented: readonly string[];
  /** Where nothing was given: it says so, or asks for it. */
  readonly saysSo: boolean;
}

/** A name that only code has: with an inner capital, an underscore or digits inside, or in backticks, or called. */
const SYMBOL = /`#?([A-Za-z_$][\w$]*)(?:\(\))?`|\b([a-z]+[A-Z]\w*|[A-Z]+[a-z]+[A-Z]\w*|\w+_\w+)\b|\b([a-z]\w+)\(\)/g;
/** Names of languages and of what comes with them, which need not stand in a file. */
const COMMON = new Set(
  'JavaScript TypeScript GitHub NumPy true false null undefined None True False string number boolean int str list dict'.split(
    ' ',
  ),
);

const ENDS = { end: 'itself', text: 'limit', repetition: 'repetition', length: undefined } as const;

/** `answer` is what the user sees in the end, and `given` the text of the file and of the question. Code blocks are the model's own text and are left out. */
export function judge(answer: string, stop: ChatResult['stop'], given: string): Judged {
  const prose = answer.replace(/^```[^]*?(?:^```|(?![^]))/gm, '');
  const found = [...prose.matchAll(SYMBOL)].map((match) => match.slice(1).find(Boolean)!);
  const symbols = [...new Set(found)].filter((name) => !COMMON.has(name));
  const words = new Set(given.match(/[\w$]+/g));
  return {
    ends: ENDS[stop],
    noLoop: !repeats(answer),
    symbols,
    invented: symbols.filter((name) => !words.has(name)),
    saysSo:
      /\b(provide|share|paste|attach|which (file|code|function)|more (context|information|details)|do(n['’]t| not) (have|see|know)|can(not|['’]t) (see|access)|no (file|code)|not (given|provided|shown|specified))\b/i.test(
        answer,
      ),
  };
}

function repeats(answer: string): boolean {
  const counts = new Map<string, number>();
  for (const part of answer.split(/(?<=[.!?])\s+|\n/)) {
    const text = part.trim();
    if (text.length >= 20) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts.values()].some((count) => count >= 3);
}
