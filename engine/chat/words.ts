/** A word of prose: letters between spaces, with the marks of a sentence around it. Most words of code are none. */
const PLAIN_WORD = /(?<![^\s"“(*])\p{L}[\p{L}'’-]*(?=[.,;:!?)"”*]*(?:\s|$))/gu;
/** Scripts without spaces between words; two characters are about a word. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;

/** About how many plain words a text has. */
export function countWords(text: string): number {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  return count(PLAIN_WORD) + Math.floor(count(UNSPACED) / 2);
}
