/** The lines of a declaration that tell how it is used, found by words and indentation. Pure. */

const DECLARES =
  '(?:(?:export|default|declare|abstract|public|async|static|pub)\\s+)*' +
  '(?:function\\*?|class|interface|type|enum|const|let|var|def|fn|struct|trait)\\s+';
const HAS_MEMBERS = /\b(?:class|interface|enum|struct|trait|type)\b/;
const DOCSTRING = /r?("""|''')[^]*?\1/g;
const STRING = /(["'`])(?:\\.|(?!\1).)*\1/g;
/** More tells no more than a completion needs. */
const MOST_MEMBERS = 16;
const MOST_HEAD_LINES = 12;
const LONGEST_LINE = 160;

/** The signature of `name` in `text`: its head, and a line for each member; empty where it is not declared there. */
export function signatureOf(name: string, text: string): string {
  const word = name.replaceAll('$', '\\$');
  const code = text.replace(DOCSTRING, (docstring) => docstring.replace(/[^\n]+/g, ''));
  const found = new RegExp(`^[ \\t]*(?:${DECLARES}${word}(?![\\w$])|${word}\\s*(?::[^=\\n]+)?=(?!=))`, 'm').exec(code);
  if (!found) return '';
  const lines = code.slice(found.index).split('\n');
  const head = headOf(lines);
  return [
    oneLine(head),
    ...(HAS_MEMBERS.test(head[0]!) ? members(lines.slice(head.length), indent(head[0]!)) : []),
  ].join('\n');
}

/** The names that are declared at the outermost level. */
export function declaredNames(text: string): string[] {
  return [...text.matchAll(new RegExp(`^${DECLARES}([\\w$]+)`, 'gm'))].map(([, name]) => name!);
}

/** The lines up to the one in which all brackets of the head are closed, but for that of a body. */
function headOf(lines: readonly string[]): string[] {
  let depth = 0;
  const end = lines.findIndex((line, i) => {
    const open = line.replace(STRING, '').replace(/\{\s*$/, '');
    for (const character of open) depth += '([{'.includes(character) ? 1 : ')]}'.includes(character) ? -1 : 0;
    return depth <= 0 || i + 1 === MOST_HEAD_LINES;
  });
  return lines.slice(0, end + 1);
}

function members(lines: readonly string[], outer: number): string[] {
  const found: string[] = [];
  let inner = -1;
  for (let i = 0; i < lines.length && found.length < MOST_MEMBERS; i++) {
    const line = lines[i]!;
    const width = indent(line);
    if (line.trim() === '' || /^\s*(?:\/[/*]|\*|#[^\w]|@)/.test(line)) continue;
    if (width <= outer) break;
    if (inner < 0) inner = width;
    if (width !== inner || !/^\s*[\w#[$]/.test(line)) continue;
    const head = headOf(lines.slice(i));
    found.push(oneLine(head));
    i += head.length - 1;
  }
  return found;
}

function oneLine(head: readonly string[]): string {
  const joined = [head[0]!, ...head.slice(1).map((line) => line.trim())].join(' ');
  return joined
    .replace(/([([{]) /g, '$1')
    .replace(/,? ([)\]}])/g, '$1')
    .replace(/(?:\s*(?:\{|:\s*\.\.\.|=>))*\s*$/, '')
    .slice(0, LONGEST_LINE);
}

const indent = (line: string): number => /^[ \t]*/.exec(line)![0].length;
