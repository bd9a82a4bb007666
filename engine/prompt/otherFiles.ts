import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Lines of another file that tell what the cursor's file uses. */
export interface OtherFile {
  readonly path: string;
  readonly text: string;
}

/** More costs the file itself too much room, and a change of it too much prefill. */
const MOST_TOKENS = 384;
/** Share of a small window. */
const SHARE = 1 / 4;

/** Number of tokens that other files may take of `room`. */
export function otherFilesBudget(room: number): number {
  return Math.min(MOST_TOKENS, Math.floor(room * SHARE));
}

/** As many of the files, and of the lines of the last one, as `tokens` hold. */
export function fitOtherFiles(files: readonly OtherFile[], tokens: number, tokenizer: Tokenizer): OtherFile[] {
  const fitted: OtherFile[] = [];
  let left = tokens;
  for (const { path, text } of files) {
    const size = (lines: string): number => tokenizer.encode(`${path}\n${lines}\n`, { continues: true }).length + 2;
    let lines = text;
    while (lines !== '' && size(lines) > left) lines = lines.slice(0, Math.max(0, lines.lastIndexOf('\n')));
    if (lines === '') break;
    fitted.push({ path, text: lines });
    left -= size(lines);
  }
  return fitted;
}
