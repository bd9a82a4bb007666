/** Splits the output of `git diff` by file. Pure. */
import { hideSecrets } from '../../reading/secrets.ts';
import { withoutControls } from '../../reading/plainText.ts';

export interface FileDiff {
  /** The path as a user would name it: the new one, else the old one. */
  readonly path: string;
  /** All possible paths, with and without a prefix such as `a/`, since git's prefixes can be turned off or changed. */
  readonly paths: readonly string[];
  readonly text: string;
}

/** Splits a diff by file and hides what looks like a secret. */
export function splitDiff(output: string): FileDiff[] {
  // Content lines begin with a sign, so none of them looks like a header. `^` would also match after U+2028.
  const parts = withoutControls(output).split(/(?<![^\n])(?=diff --)/);
  return parts.filter((part) => part.startsWith('diff --')).map(fileDiff);
}

function fileDiff(text: string): FileDiff {
  const end = text.indexOf('\n@@');
  const head = (end < 0 ? text : text.slice(0, end)).split('\n');
  const names = head.flatMap((line) => {
    const name = /^(?:---|\+\+\+|(?:rename|copy) (?:from|to)) ([^\n]*?)\t?$/.exec(line)?.[1];
    return name === undefined || name === '/dev/null' ? [] : [unquoted(name)];
  });
  // Binary files and changes of mode have no content, so the name is taken from the first line.
  if (names.length === 0) names.push(unquoted(/ ("[^"]*"|\S+)$/.exec(head[0] ?? '')?.[1] ?? ''));
  const path = (names.at(-1) ?? '').replace(/^[abciow]\//, '');
  return { path, paths: [...names, ...names.map((name) => name.replace(/^[^/]*\//, ''))], text: hidden(text) };
}

/** Hides secrets. Without the first column, which holds the signs, the lines are those of the file. */
function hidden(text: string): string {
  const lines = text.trimEnd().split('\n');
  const shown = hideSecrets(lines.map((line) => line.slice(1)).join('\n')).split('\n');
  return lines.map((line, i) => line.slice(0, 1) + shown[i]).join('\n');
}

/** Decodes an unusual name, which git writes in C's notation, byte by byte. */
function unquoted(name: string): string {
  if (!/^".*"$/.test(name)) return name;
  const bytes: number[] = [];
  for (const [, octal, escape, plain] of name.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/g)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...new TextEncoder().encode(escape === undefined ? (plain ?? '') : (ESCAPES[escape] ?? escape)));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\x07' };
