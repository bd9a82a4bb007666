import { BadModel } from '../errors.ts';
import { hideSpecials } from '../tokenizer/chatTemplate.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { isLowSurrogate } from './excerpt.ts';

/** About 10 ms of work for cached lines, 50 ms for others. */
const SLICE_CHARACTERS = 16_000;
/** Tokenizers merge a line as a whole, in a time that grows faster than its length. Longer lines are split. */
const LINE_PART_CHARACTERS = 2000;
/** Where long texts are cut if the tokenizer knows no place at which their ids stay the same. */
const ANY_LINE_START = /(?<=\n)/u;
/** A Unicode noncharacter, which no text contains, other than the one of hideSpecials. */
const GAP = '\uFDD1';

/** Encodes whole lines inside other text, without the space that some tokenizers put before a text. */
export function encodeLines(tokenizer: Tokenizer, text: string, options: { specials?: boolean } = {}): number[] {
  return tokenizer.encode(text, { ...options, continues: true });
}

/**
 * encodeLines for a long text, in slices between which `pause` is awaited, so that other work goes on. Lines longer than
 * a slice are encoded in parts. Ends early with more than `most` ids.
 */
export async function encodeLongText(
  tokenizer: Tokenizer,
  text: string,
  most: number,
  pause: () => Promise<unknown>,
): Promise<number[]> {
  const ids: number[] = [];
  for (let at = 0; at < text.length && ids.length <= most;) {
    const end = sliceEnd(tokenizer, text, at);
    for (const id of encodeLines(tokenizer, text.slice(at, end))) ids.push(id);
    at = end;
    if (at < text.length) await pause();
  }
  return ids;
}

/** As encodeLongText, for a long text at the start of a sequence or behind a special token. */
export async function encodeLongStart(
  tokenizer: Tokenizer,
  text: string,
  pause: () => Promise<unknown>,
): Promise<number[]> {
  const end = sliceEnd(tokenizer, text, 0);
  const ids = tokenizer.encode(text.slice(0, end));
  for (const id of await encodeLongText(tokenizer, text.slice(end), Infinity, pause)) ids.push(id);
  return ids;
}

function sliceEnd({ lineBreak = ANY_LINE_START }: Tokenizer, text: string, at: number): number {
  if (text.length - at <= SLICE_CHARACTERS) return text.length;
  const lines = text.slice(at, at + SLICE_CHARACTERS).split(lineBreak);
  if (lines.length > 1) return at + SLICE_CHARACTERS - lines.at(-1)!.length;
  const end = at + LINE_PART_CHARACTERS;
  return isLowSurrogate(text, end) ? end + 1 : end;
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
  if (tail === undefined || more.length > 0)
    throw new BadModel('The chat template does not contain the message exactly once.');
  return {
    head: tokenizer.encode(head!, { specials: true }),
    tail: encodeLines(tokenizer, tail + hide(prefill ?? ''), { specials: true }),
  };
}
