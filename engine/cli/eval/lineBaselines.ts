/** What a line is completed by without any model. Pure. */

/** The rest of the latest line above that begins as this one does; '' where there is none. */
export function latestLine(prefix: string): string {
  const lines = prefix.split('\n');
  const begun = lines.pop()!.trimStart();
  if (begun === '') return '';
  const same = lines.findLast((line) => line.trimStart().startsWith(begun));
  return same?.trim().slice(begun.length) ?? '';
}

const MOST_WORDS = 40;
const LONGEST_GRAM = 8;

/** Word after word, each the one that followed the longest earlier occurrence of the words before it, to the line's end. */
export function nGram(prefix: string): string {
  const words: string[] = prefix.match(/\n|[ \t]+|[\p{L}\p{N}_$]+|./gu) ?? [];
  const places = new Map<string, number[]>();
  words.forEach((word, i) => places.set(word, [...(places.get(word) ?? []), i]));
  const known = words.length;
  let text = '';
  for (let written = 0; written < MOST_WORDS; written++) {
    const next = following(words, places.get(words.at(-1) ?? '') ?? [], known);
    if (next === undefined || next === '\n') break;
    words.push(next);
    text += next;
  }
  return text.trimEnd();
}

function following(words: readonly string[], places: readonly number[], known: number): string | undefined {
  let best: string | undefined;
  let longest = 0;
  for (const place of places) {
    if (place + 1 >= known) continue;
    let length = 1;
    while (length < LONGEST_GRAM && place >= length && words[place - length] === words[words.length - 1 - length])
      length++;
    // The latest of equally long ones.
    if (length >= longest) [best, longest] = [words[place + 1], length];
  }
  return best;
}
