/** Tells paths from other text. A name that is cut is worse than none: it may be that of another file. Pure. */

/** What no path of an answer has, and colons, which name drives, schemes and lines. */
const FOREIGN = /["'`<>|*?:\p{Cc}]|^\s|\s$|\s{2}/u;
const LONGEST = 200;
const ENDING = /[^/\\\s]\.[\p{L}\p{N}_+-]{1,15}$/u;
/** Files that have no ending. */
const NAMES =
  /^(?:\.[a-z][\w.-]*|(?:Docker|Make|Gem|Rake|Brew|Jenkins|Vagrant|Proc|Pip|Pod|Fast|Appraisal|Container|Just|Earth)file|Makefile\.\w+|BUILD|WORKSPACE|LICEN[CS]E|README|CHANGELOG|NOTICE|AUTHORS|COPYING|CODEOWNERS|OWNERS|Caddyfile)$/i;

/** The text, where it stands in the place of a path and may be one: with blanks, or without an ending. Otherwise ''. */
export function wholePath(text: string): string {
  return text.length <= LONGEST && !FOREIGN.test(text) && /[\p{L}\p{N}]/u.test(text) ? text : '';
}

/** The text, where it can be nothing else than a path. Otherwise ''. */
export function filePath(text: string): string {
  const path = wholePath(text);
  if (path === '') return '';
  const [first, ...rest] = path.split(/[/\\]/);
  const last = rest.at(-1) ?? first!;
  if (!ENDING.test(last) && !NAMES.test(last)) return '';
  const words = path.split(/\s+/);
  if (words.length === 1) return path;
  // A sentence names a file too: "see src/a.ts", "src/a.ts and src/b.ts". No folder of a project begins with three words.
  const isSentence = words.length > 4 || words.slice(0, -1).some((word) => ENDING.test(word.replace(/[,;.]$/, '')));
  return isSentence || (rest.length > 0 && /\s/.test(first!)) ? '' : path;
}
