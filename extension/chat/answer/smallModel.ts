/**
 * How the small chat model is asked. Unless it is told to be brief, it goes on until it repeats itself; a long instruction
 * finds its way into the answer; and what it cannot see it makes up. test/bench/FIGURES.md has what was measured. Pure.
 */

import type { ChatSampling } from '../../../engine/wire/protocol.ts';

/** How a model is asked a question. */
export interface Manner {
  /** The system's message, in place of the chat's own. */
  readonly system?: string;
  /** The answer ends behind so many sentences. */
  readonly maxSentences?: number;
  /** In place of the model's own, where the user has set nothing. */
  readonly sampling?: Omit<ChatSampling, 'seed'>;
  /** The question is about code that has to come along. */
  readonly needsCode?: boolean;
}

const SYSTEM = 'You are a programming assistant. You explain the code of the file that is given.';
const SENTENCES = 2;
/** The penalty of the model's own would concern the names in the file, too. So short an answer hardly needs one. */
const GREEDY = { temperature: 0, repetitionPenalty: 1 };
const BRIEF = 'Answer in one or two short sentences.';

/** What is asked, rather than what is to be written. */
const ASKS = /\?\s*$|^\s*(explain|describe|summari[sz]e|erkläre?|beschreibe?)\b/i;
const POINTS =
  /\b(this|these|my|our|selected|current|open|diese[mnrs]?|meine?[mnrs]?|unser\w*|ausgewählt\w*|markiert\w*)\b/i;
const CODE =
  /\b(code|files?|functions?|methods?|class(es)?|projects?|modules?|tests?|bugs?|script|component|Datei(en)?|Funktion(en)?|Methoden?|Klassen?|Projekt|Modul|Fehler|Skript)\b/i;
/** What follows a noun: "the class above". */
const BEHIND = /\b(above|below|oben|unten)\b/i;
const COMMAND = /^\s*\/(explain|fix|tests|doc|refactor)\b/;
/** Code that stands in the question itself. */
const OWN_CODE = /[`{}();=]|\n/;

export function mannerForSmallModel(question: string): Manner {
  const points = CODE.test(question) && (POINTS.test(question) || BEHIND.test(question));
  return {
    system: SYSTEM,
    ...(ASKS.test(question) ? { maxSentences: SENTENCES, sampling: GREEDY } : {}),
    needsCode: COMMAND.test(question) || (points && !OWN_CODE.test(question)),
  };
}

/** The question as the small chat model is asked it. */
export function forSmallModel(question: string): string {
  return ASKS.test(question) ? `${question.trimEnd()} ${BRIEF}` : question;
}
