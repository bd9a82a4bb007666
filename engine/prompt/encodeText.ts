import { BadModel } from '../errors.ts';
import { hideSpecials } from '../tokenizer/chatTemplate.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Some 10 ms of work. */
const SLICE_CHARACTERS = 16_000;
/** A Unicode noncharacter: never part of a text, and not the one that hideSpecials uses. */
const GAP = '\uFDD1';

/** Ids of whole lines that stand amid other text: without the space that some tokenizers put before a text. */
export function encodeLines(tokenizer: Tokenizer, text: string, options: { specials?: boolean } = {}): number[] {
  if (!tokenizer.addsLeadingSpace) return tokenizer.encode(text, options);
  // The space and the newline are tokens of their own there.
  return tokenizer.encode(`\n${text}`, options).slice(2);
}

/** encodeLines for a long text; `pause` is awaited between its slices, so that other work goes on. */
export async function encodeLongText(
  tokenizer: Tokenizer,
  text: string,
  pause: () => Promise<unknown>,
): Promise<number[]> {
  const ids: number[] = [];
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at + SLICE_CHARACTERS);
    const end = newline < 0 ? text.length : newline + 1;
    for (const id of encodeLines(tokenizer, text.slice(at, end))) ids.push(id);
    at = end;
    if (at < text.length) await pause();
  }
  return ids;
}

/**
 * Ids of a chat of one user turn, `before` + a gap + `after`, and the begun answer: those in front of the gap and
 * those behind it, for text whose ids are known. The gap must lie between lines. Throws BadModel.
 */
export function chatAroundGap(
  tokenizer: Tokenizer,
  before: string,
  after: string,
  prefill?: string,
): { head: number[]; tail: number[] } {
  const names = [...tokenizer.specialIds].map((id) => new TextDecoder().decode(tokenizer.bytes(id)));
  const hide = (text: string): string => hideSpecials(text.replaceAll(GAP, ''), names);
  const content = hide(before) + GAP + hide(after);
  const text = tokenizer.renderChat([{ role: 'user', content }], { addGenerationPrompt: true });
  const [head, tail, ...more] = text.split(GAP);
  if (tail === undefined || more.length > 0) throw new BadModel('The chat template does not hold the message once.');
  return {
    head: tokenizer.encode(head!, { specials: true }),
    tail: encodeLines(tokenizer, tail + hide(prefill ?? ''), { specials: true }),
  };
}
