/** Turns a model's answer, or the beginning of one, into a commit message. Pure. */

/** Characters of a first line that `git log --oneline` and web pages show. */
const FIRST_LINE = 72;

/** Removes fences, quotes and labels; a long first line continues in the body. */
export function cleanCommitMessage(answer: string): string {
  const lines = answer.replace(/\r\n?/g, '\n').split('\n');
  const text = lines
    .filter((line) => !/^\s*(`{3,}|~{3,})/.test(line))
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
    .replace(/^(?:commit message|message|subject)\s*:\s*/i, '');
  const [first = '', ...rest] = text.split('\n');
  const [subject, more] = cutAtWord(unquoted(first.replace(/^#+\s+/, '')));
  const body = [more, rest.join('\n').trim()].filter((part) => part !== '').join('\n\n');
  return body === '' ? subject : `${subject}\n\n${body}`;
}

/**
 * Removes the marks of `"Add x"`, `**Add x**` and the like, including an opening mark whose closing one is not yet
 * there.
 */
function unquoted(line: string): string {
  const [, mark = ''] = /^("|'|`|\*\*|“|«)/.exec(line) ?? [];
  if (mark === '') return line;
  const closing = { '“': '”', '«': '»' }[mark] ?? mark;
  return line.slice(mark.length, line.endsWith(closing) && line.length > mark.length ? -closing.length : undefined);
}

function cutAtWord(line: string): [subject: string, more: string] {
  if (line.length <= FIRST_LINE) return [line, ''];
  const space = line.lastIndexOf(' ', FIRST_LINE);
  return space <= 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}
