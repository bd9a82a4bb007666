/** The list of conversations, newest first, and the search in it. Pure. */
import type { ConversationEntry } from '../../../webview/protocol.ts';
import type { Conversation } from './conversation.ts';

const EXCERPT_CHARS = 80;
const STEPS: [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

export interface Now {
  readonly ms: number;
  /** The user's language, such as "en" or "de". */
  readonly language: string;
}

/** The conversations whose title or text contains `query`, ignoring case; all if it is empty. */
export function entries(conversations: readonly Conversation[], query: string, now: Now): ConversationEntry[] {
  const wanted = query.trim().toLowerCase();
  return conversations
    .toSorted((a, b) => b.changedMs - a.changedMs)
    .flatMap((conversation) => {
      const excerpt = wanted === '' ? '' : find(conversation, wanted);
      if (excerpt === undefined) return [];
      const { id, title, changedMs, turns } = conversation;
      return [{ id, title, when: ago(now.ms - changedMs, now.language), messages: 2 * turns.length, excerpt }];
    });
}

/** An excerpt around the first hit; empty if only the title contains it, undefined without a hit. */
function find({ title, turns }: Conversation, wanted: string): string | undefined {
  for (const { question, answer } of turns) {
    for (const text of [question.text, answer.text]) {
      const at = text.toLowerCase().indexOf(wanted);
      if (at >= 0) return excerptAt(text, at, wanted.length);
    }
  }
  return title.toLowerCase().includes(wanted) ? '' : undefined;
}

function excerptAt(text: string, at: number, length: number): string {
  const first = Math.max(0, at - EXCERPT_CHARS / 2);
  const last = Math.min(text.length, at + length + EXCERPT_CHARS / 2);
  const middle = text.slice(first, last).replace(/\s+/g, ' ').trim();
  return `${first > 0 ? '…' : ''}${middle}${last < text.length ? '…' : ''}`;
}

function ago(ms: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const step = STEPS.find(([, length]) => ms >= length);
  return step ? format.format(-Math.floor(ms / step[1]), step[0]) : format.format(0, 'minute');
}
