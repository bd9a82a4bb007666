/** Text for screen readers while an answer is being written: whole sentences, without markup. Pure. */

/** The new text to be read out, and the offset in the answer at which it ends. */
export interface Spoken {
  text: string;
  upTo: number;
}

export interface Speaking {
  /** Nothing follows, so any text after the last sentence is spoken, too. */
  complete: boolean;
  /** Spoken instead of a code block, which is not worth reading out character by character. */
  codeWord: string;
}

/** Returns the speakable text of `answer` from offset `from` up to the end of its last complete sentence. */
export function speakable(answer: string, from: number, { complete, codeWord }: Speaking): Spoken {
  const upTo = complete ? answer.length : lastSentenceEnd(answer, from);
  const text = withoutCode(answer.slice(from, upTo), insideCode(answer, from), codeWord);
  return { text: withoutMarks(text), upTo };
}

function lastSentenceEnd(answer: string, from: number): number {
  let end = from;
  for (const match of answer.slice(from).matchAll(/[.!?:;…。！？][)"'”’*_]*(?=\s)|\n/g))
    end = from + match.index + match[0].length;
  return end;
}

function insideCode(answer: string, offset: number): boolean {
  return (answer.slice(0, offset).match(/^ {0,3}(```|~~~)/gm)?.length ?? 0) % 2 === 1;
}

function withoutCode(markdown: string, startsInCode: boolean, codeWord: string): string {
  let code = startsInCode;
  const lines: string[] = [];
  for (const line of markdown.split('\n')) {
    const fence = /^ {0,3}(```|~~~)/.test(line);
    if (fence && !code) lines.push(codeWord);
    else if (!fence && !code) lines.push(line);
    if (fence) code = !code;
  }
  return lines.join('\n');
}

function withoutMarks(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*(#{1,6}|>|[-*+]) +/gm, '')
    .replace(/[*_`~|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
